# Compiler flags and third-party libraries every target shares.
set(SKEIN_SANITIZE "" CACHE STRING "Comma-separated sanitizers, e.g. address,undefined")
option(SKEIN_TESTS "Build the tests, which need GoogleTest and python3" ON)
option(SKEIN_FUZZ "Build the libFuzzer drivers (clang only)" OFF)

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)

add_library(skein_flags INTERFACE)
target_compile_options(skein_flags INTERFACE
  -Wall -Wextra -Werror -Wshadow -Wnon-virtual-dtor -Wno-missing-field-initializers -Wno-array-bounds -Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread -Wno-maybe-uninitialized
  -fno-omit-frame-pointer )
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  target_compile_options(skein_flags INTERFACE -Wno-missing-designated-field-initializers
                                               -Wno-unknown-warning-option -Wno-unused-command-line-argument)
endif()
target_include_directories(skein_flags INTERFACE ${CMAKE_SOURCE_DIR}/include)
target_compile_definitions(skein_flags INTERFACE ASIO_STANDALONE ASIO_NO_DEPRECATED
                                                 SKEIN_VERSION="${PROJECT_VERSION}")
target_link_libraries(skein_flags INTERFACE fmt::fmt Threads::Threads)

if(SKEIN_SANITIZE)
  target_compile_options(skein_flags INTERFACE -fsanitize=${SKEIN_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(skein_flags INTERFACE -fsanitize=${SKEIN_SANITIZE})
  target_compile_definitions(skein_flags INTERFACE SKEIN_SANITIZED=1)
  if(SKEIN_SANITIZE MATCHES thread)
    # ThreadSanitizer knows no fences; asio's queues are guarded by mutexes besides.
    target_compile_definitions(skein_flags INTERFACE ASIO_DISABLE_FENCED_BLOCK)
  endif()
else()
  # jemalloc is the process's malloc; sanitizers bring their own.
  find_library(JEMALLOC_LIBRARY jemalloc REQUIRED)
endif()

if(SKEIN_FUZZ)
  # Lets libFuzzer see which code an input has reached.
  target_compile_options(skein_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# What nearly every source includes, parsed once for all libraries and once more for all
# test programs: as many as there are targets, they took a fifth of a clean build.
function(skein_precompiled name)
  set(source ${CMAKE_BINARY_DIR}/${name}.cc)
  if(NOT EXISTS ${source})
    file(WRITE ${source} "")
  endif()
  add_library(${name} OBJECT ${source})
  target_link_libraries(${name} PRIVATE skein_flags)
  target_precompile_headers(${name} PRIVATE ${ARGN} ${CMAKE_SOURCE_DIR}/cmake/pch.h)
endfunction()

skein_precompiled(skein_pch)
