# Reports how many sides it has.
word() {
    wc -w </sides
}
