// Package web holds the browser interface, as Vite built it, and serves it.
package web

import (
	"embed"
	"io/fs"
)

// all: keeps the placeholder and files that begin with a dot or underscore; the
// placeholder alone is there in a checkout where Node never ran.
//
//go:embed all:dist
var dist embed.FS

// routesJSON lists the addresses of the interface; the page's router reads the
// same file.
//
//go:embed routes.json
var routesJSON []byte

// Files returns the built interface: index.html, hashed files under assets/, each
// text file with its .br and .gz beside it.
func Files() fs.FS {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		panic("web: " + err.Error()) // Only for a malformed path, and ours is a constant.
	}
	return files
}

// Built reports whether the interface was built before the program was compiled.
func Built() bool { return built(Files()) }

func built(files fs.FS) bool {
	_, err := fs.Stat(files, "index.html")
	return err == nil
}
