// Command ask puts questions to the services and checks the answers: ask URL NUMBER UNIT UNIT.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

func main() {
	if len(os.Args) != 5 {
		fail("usage: ask URL NUMBER UNIT UNIT")
	}
	base, number, from, to := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	value, err := strconv.ParseFloat(number, 64)
	if err != nil {
		fail(err)
	}
	want := expected(value, from, to)
	got, err := ask(fmt.Sprintf("%s/convert?value=%s&from=%s&to=%s", base, number, from, to))
	if err != nil {
		fail(err)
	}
	if !strings.Contains(got, want) {
		fail(fmt.Sprintf("%s %s is %s %s, the service says: %s", number, from, want, to, got))
	}
	fmt.Printf("%s %s = %s %s\n", number, from, want, to)
}

// expected is what the answer must hold. Services may drop zeros at the end, and so does this.
func expected(value float64, from, to string) string {
	return strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.4f", value*units[from]/units[to]), "0"), ".")
}

func ask(url string) (string, error) {
	client := http.Client{Timeout: 5 * time.Second}
	response, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, body)
	}
	return strings.TrimSpace(string(body)), err
}

func fail(reason any) {
	fmt.Fprintln(os.Stderr, reason)
	os.Exit(1)
}
