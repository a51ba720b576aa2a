# The layers and the edges between them: the only place that says who may see whom.
skein_layer(base)
skein_layer(resp SEES base)
skein_layer(config SEES base)
skein_layer(stats SEES base)
skein_layer(keyspace SEES base)
skein_layer(persist SEES base keyspace LIBS lzf)
skein_layer(replication SEES base resp)
skein_layer(cluster/topology SEES base)
skein_layer(cluster/bus SEES base cluster/topology)
skein_layer(cluster/gossip SEES base cluster/topology cluster/bus)
skein_layer(cluster/failover SEES base cluster/topology cluster/bus)
skein_layer(cluster/node SEES base cluster/topology cluster/bus cluster/gossip cluster/failover)
skein_layer(cluster/router SEES base cluster/topology)
skein_layer(session SEES base resp config keyspace)
skein_layer(command SEES base resp keyspace session)
skein_layer(dispatch SEES base resp config stats keyspace session command cluster/topology cluster/router)
skein_layer(commands SEES base resp config stats keyspace persist cluster/topology cluster/bus cluster/gossip
                          cluster/failover cluster/node cluster/router session command dispatch LIBS crypto nlohmann_json::nlohmann_json)
skein_layer(net SEES base resp cluster/bus)
skein_layer(disk SEES base)
skein_layer(server SEES base resp config stats keyspace persist replication cluster/topology cluster/bus cluster/gossip
                        cluster/failover cluster/node cluster/router session command dispatch
                        commands net disk LIBS spdlog::spdlog)

if(EXISTS ${CMAKE_SOURCE_DIR}/src/server/main.cc)
  set(build_info ${CMAKE_BINARY_DIR}/build_info.cc)
  add_custom_target(skein_build_info BYPRODUCTS ${build_info}
    COMMAND ${CMAKE_COMMAND} -DSOURCE=${CMAKE_SOURCE_DIR} -DOUTPUT=${build_info}
            -P ${CMAKE_SOURCE_DIR}/cmake/build_info.cmake)
  add_executable(skein-server src/server/main.cc ${build_info})
  add_dependencies(skein-server skein_build_info)
  target_include_directories(skein-server PRIVATE ${CMAKE_SOURCE_DIR}/src/server)
  target_link_libraries(skein-server PRIVATE skein_server)
  if(JEMALLOC_LIBRARY)
    target_link_libraries(skein-server PRIVATE ${JEMALLOC_LIBRARY})
  endif()
endif()
