#!/bin/sh
# Turns units.txt into a table for each language that reads one. What did not change is not touched.
set -eu
cd "$(dirname "$0")/.."
mkdir -p gen

rows() { sed -n "s/^\([a-z][a-z]*\) \([0-9.]*\)\$/$1/p" schema/units.txt; }

{
    echo '/* Made by schema/generate.sh. */'
    echo 'static const struct { const char *name; double metres; } units[] = {'
    rows '    {"\1", \2},'
    echo '};'
} >gen/units.h
{
    echo '# Made by schema/generate.sh.'
    echo 'UNITS = {'
    rows '    "\1": \2,'
    echo '}'
} >gen/units.py
{
    echo '// Made by schema/generate.sh.'
    echo 'module.exports = {'
    rows '  \1: \2,'
    echo '};'
} >gen/units.js
{
    echo '// Made by schema/generate.sh.'
    echo
    echo 'package main'
    echo
    echo 'var units = map[string]float64{'
    rows '	"\1": \2,'
    echo '}'
} >go/units_gen.go
echo "$(rows '\1' | wc -l) units"
