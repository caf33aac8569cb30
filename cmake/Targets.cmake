# tcpmedic_library(NAME SOURCES a.cc … LIBS x …)   one static library per module (or room of one)
# tcpmedic_binary(NAME SOURCES main.cc LIBS x …)   into ${CMAKE_BINARY_DIR}/bin
# tcpmedic_test(NAME SOURCES a_test.cc … LIBS x … [ROOT [MOSTLY_WAITS]] [TIMEOUT seconds])
#   One GoogleTest program. ROOT marks tests that need root and a real kernel: label "kernel",
#   run serially, unless they mostly wait and measure nothing; the others are "unit": no root, no
#   network, no fixed port.

add_custom_target(unit_tests)
add_custom_target(kernel_tests)

function(tcpmedic_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_compile_options(${name} PRIVATE ${TCPMEDIC_WARNINGS})
  target_include_directories(${name} PUBLIC "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${name} PUBLIC ${ARG_LIBS})
endfunction()

function(tcpmedic_binary name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_compile_options(${name} PRIVATE ${TCPMEDIC_WARNINGS})
  target_link_libraries(${name} PRIVATE ${ARG_LIBS})
endfunction()

function(tcpmedic_test name)
  cmake_parse_arguments(ARG "ROOT;MOSTLY_WAITS" "TIMEOUT" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_compile_options(${name} PRIVATE ${TCPMEDIC_WARNINGS})
  target_compile_definitions(${name} PRIVATE
    TCPMEDIC_SOURCE_DIR="${PROJECT_SOURCE_DIR}" TCPMEDIC_BIN_DIR="${CMAKE_BINARY_DIR}/bin")
  target_link_libraries(${name} PRIVATE ${ARG_LIBS} GTest::gmock GTest::gtest_main)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
  add_test(NAME ${name} COMMAND ${name})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 60)
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT})
  if(ARG_ROOT)
    set_tests_properties(${name} PROPERTIES LABELS kernel)
    if(NOT ARG_MOSTLY_WAITS)
      set_tests_properties(${name} PROPERTIES RUN_SERIAL ON)
    endif()
    add_dependencies(kernel_tests ${name})
  else()
    set_tests_properties(${name} PROPERTIES LABELS unit)
    add_dependencies(unit_tests ${name})
  endif()
endfunction()
