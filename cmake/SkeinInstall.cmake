# What `cmake --install` puts where: the server, configurations to copy, the documentation and the license.
#
# The configurations go beside the documentation and not into /etc: a later install must not undo what was
# edited there.
if(NOT TARGET skein-server)
  return()
endif()
include(GNUInstallDirs)
install(TARGETS skein-server RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/conf/ DESTINATION ${CMAKE_INSTALL_DATADIR}/skein FILES_MATCHING PATTERN *.conf)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs FILES_MATCHING PATTERN *.md)
install(FILES ${CMAKE_SOURCE_DIR}/README.md ${CMAKE_SOURCE_DIR}/CHANGELOG.md ${CMAKE_SOURCE_DIR}/LICENSE
        DESTINATION ${CMAKE_INSTALL_DOCDIR})
