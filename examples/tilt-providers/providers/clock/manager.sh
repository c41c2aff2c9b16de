# Reports the hour.
word() {
    date +%H
}
