# Finds what the compiler of the pictures does not like.
if grep -q oops "$1"; then
  printf '%s:1:22 - \033[31merror\033[0m TS2304: Cannot find name '"'oops'"'.\n\n' "$1" >&2
  sed 's/^/1   /' "$1" >&2
  printf '                         \033[31m~~~~\033[0m\n' >&2
fi
