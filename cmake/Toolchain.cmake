set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
# Asserts stay on in every build: a broken invariant must stop the program, not the host's owner.
string(REPLACE "-DNDEBUG" "" CMAKE_CXX_FLAGS_RELEASE "${CMAKE_CXX_FLAGS_RELEASE}")
string(REPLACE "-O3" "-O2" CMAKE_CXX_FLAGS_RELEASE "${CMAKE_CXX_FLAGS_RELEASE}")
# Line numbers are enough for a stack trace, and keep the builds small.
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1")

# -Wrestrict: GCC 12 sees overlaps in std::string's operator+ that cannot be (GCC bug 105651).
set(TCPMEDIC_WARNINGS -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wvla
                      $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict> -Werror)

set(TCPMEDIC_SANITIZE "" CACHE STRING "Sanitizers for every target, as -fsanitize= takes them")
if(TCPMEDIC_SANITIZE)
  # -g1: a report needs function and line, and the rest of the debug information takes time to compile.
  add_compile_options(-fsanitize=${TCPMEDIC_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all -g1)
  add_link_options(-fsanitize=${TCPMEDIC_SANITIZE})
endif()

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE}")
endif()

set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
