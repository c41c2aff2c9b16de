package main

import "testing"

func TestExpected(t *testing.T) {
	if got := expected(1, "mile", "foot"); got != "5280" {
		t.Errorf("a mile is 5280 feet, not %s", got)
	}
}
