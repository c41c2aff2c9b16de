#!/bin/sh
# What the address without a path shows.
exec ./shop
