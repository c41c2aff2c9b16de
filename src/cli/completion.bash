# Completion of orch for bash. The program itself knows what fits.
_orch() {
    # Bash cuts words at `:` and `=`, which are parts of names and of flags: they are put together again.
    local line=$COMP_LINE words=() found=() word i
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if ((i == 0)) || [[ $line == [[:space:]]* ]]; then
            line=${line#"${line%%[![:space:]]*}"}
            words+=("$word")
        else
            words[${#words[@]} - 1]+=$word
        fi
        line=${line#"$word"}
    done
    local last=$((${#words[@]} - 1)) quote=
    local begun=${words[last]}
    # What stands before the part that bash replaces.
    local kept=${begun%"$2"}
    case $begun in
    [\"\']*) quote=${begun:0:1} begun=${begun:1} ;;
    *) begun=${begun//\\/} ;;
    esac
    words[last]=$begun
    IFS=$'\013' read -r -d '' -a found < <(
        _CLAP_IFS=$'\013' _CLAP_COMPLETE_INDEX=$last _CLAP_COMPLETE_COMP_TYPE=$COMP_TYPE _CLAP_COMPLETE_SPACE=false \
            ORCH_COMPLETE=bash orch -- "${words[@]}" 2>/dev/null
    )
    COMPREPLY=()
    for word in "${found[@]}"; do
        word=${word#"$kept"}
        [[ -n $quote ]] || printf -v word %q "$word"
        COMPREPLY+=("$word")
    done
    if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[=/:] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -o bashdefault -o nosort -F _orch orch 2>/dev/null || complete -o bashdefault -F _orch orch
