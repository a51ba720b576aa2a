# Writes OUTPUT, the values of src/server/build_info.h, from the state of the git tree in SOURCE. A file that says the
# same already is left alone, so that only a change links anew.
function(ask_git variable default)
  execute_process(COMMAND git -C ${SOURCE} ${ARGN} OUTPUT_VARIABLE answer ERROR_QUIET RESULT_VARIABLE failed
                  OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(failed)
    set(answer "${default}")
  endif()
  set(${variable} "${answer}" PARENT_SCOPE)
endfunction()

ask_git(commit "00000000" rev-parse --short=8 HEAD)
ask_git(time "unknown" log -1 --format=%cI)
ask_git(changes "" status --porcelain --untracked-files=no)
set(modified false)
if(changes)
  set(modified true)
endif()
set(text "#include \"build_info.h\"\n
namespace skein {
const BuildInfo kBuildInfo{\"${commit}\", ${modified}, \"${time}\"};
}\n")
set(old "")
if(EXISTS ${OUTPUT})
  file(READ ${OUTPUT} old)
endif()
if(NOT old STREQUAL text)
  file(WRITE ${OUTPUT} "${text}")
endif()
