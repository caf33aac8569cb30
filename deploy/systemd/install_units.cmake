# Run by cmake --install, with UNIT_SOURCES, UNIT_SCRATCH, and BINDIR and DOCDIR below the prefix or absolute: writes the
# units with the paths as they are installed. DESTDIR is where they are put, and no part of what they say.
foreach(directory BINDIR DOCDIR)
  cmake_path(ABSOLUTE_PATH ${directory} BASE_DIRECTORY "${CMAKE_INSTALL_PREFIX}" NORMALIZE)
endforeach()
file(READ "${UNIT_SOURCES}/agent-sandbox.conf.in" AGENT_SANDBOX)
foreach(unit tcpmedic-agent tcpmedic-agent-undo tcpmedic-controller)
  configure_file("${UNIT_SOURCES}/${unit}.service.in" "${UNIT_SCRATCH}/${unit}.service" @ONLY)
  file(INSTALL "${UNIT_SCRATCH}/${unit}.service" DESTINATION "${CMAKE_INSTALL_PREFIX}/lib/systemd/system")
endforeach()
