package main

import "io/fs"

func foreign(fs.FileInfo) bool { return false }
