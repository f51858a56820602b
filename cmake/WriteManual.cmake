# cmake -DPROGRAM=dualgeo -DOUT=folder -DCHANGES=CHANGELOG.md -P WriteManual.cmake
# What is installed beside the program and is written by it: the man page and the shells' completions.
file(MAKE_DIRECTORY ${OUT})
function(write name)
  execute_process(COMMAND ${PROGRAM} ${ARGN} OUTPUT_FILE ${OUT}/${name} COMMAND_ERROR_IS_FATAL ANY)
endfunction()
write(dualgeo.1 manual)
write(dualgeo.bash completion bash)
write(_dualgeo completion zsh)
write(dualgeo.fish completion fish)
file(WRITE ${OUT}/dualgeo-networks.1 ".so man1/dualgeo.1\n")
configure_file(${CHANGES} ${OUT}/changelog COPYONLY)
execute_process(COMMAND gzip -9nkf dualgeo.1 dualgeo-networks.1 changelog WORKING_DIRECTORY ${OUT} COMMAND_ERROR_IS_FATAL ANY)
