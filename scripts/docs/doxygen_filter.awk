# Comments as Doxygen reads them: // above a declaration becomes ///, one behind a member ///<. The file's opening comment
# is the file's. Lines set in by two blanks or more (lists, formulas, examples) stay as they are set.
function safe(text) {
  gsub(/\\/, "\\\\\\\\", text)
  gsub(/@/, "\\@", text)
  gsub(/</, "\\<", text)
  gsub(/>/, "\\>", text)
  gsub(/#/, "\\#", text)
  gsub(/%/, "\\%", text)
  return text
}
function close_verbatim() {
  if (verbatim) print indent "/// \\endverbatim"
  verbatim = 0
}
{
  if (match($0, /^[ \t]*\/\/( |$)/)) {
    indent = $0
    sub(/\/\/.*/, "", indent)
    text = $0
    sub(/^[ \t]*\/\//, "", text)
    if (NR == 1) print "/// \\file"
    if (text ~ /^ (  |\|)/) {
      if (!verbatim) print indent "/// \\verbatim"
      verbatim = 1
      print indent "///" text
    } else {
      close_verbatim()
      print indent "///" safe(text)
    }
    next
  }
  close_verbatim()
  if ($0 !~ /^#/ && match($0, /[;,{] +\/\/ /)) {
    code = substr($0, 1, RSTART)
    print code "  ///< " safe(substr($0, RSTART + RLENGTH))
    next
  }
  print
}
