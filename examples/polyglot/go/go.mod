module example.org/lengths

go 1.21
