package pages

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

// asset is one file of assets/, whose name holds the hash of its content.
type asset struct {
	body, zipped []byte // zipped is nil where that saves nothing
	contentType  string
}

// embedded is the assets that every Set serves, packed once.
var embedded = sync.OnceValues(func() (map[string]asset, error) { return readAssets(files) })

// readAssets reads every asset and packs what can be packed.
func readAssets(from fs.FS) (map[string]asset, error) {
	names, err := fs.Glob(from, "assets/*")
	if err != nil {
		return nil, err
	}
	assets := map[string]asset{}
	for _, name := range names {
		body, err := fs.ReadFile(from, name)
		if err != nil {
			return nil, fmt.Errorf("read the assets: %w", err)
		}
		a := asset{body: body, contentType: contentTypes[path.Ext(name)]}
		if a.contentType == "" {
			return nil, fmt.Errorf("%s is of no type that we serve", name)
		}
		var packed bytes.Buffer
		z, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression) // the level exists: no error
		z.Write(body)
		z.Close()
		if packed.Len() < len(body)*9/10 {
			a.zipped = packed.Bytes()
		}
		assets[path.Base(name)] = a
	}
	return assets, nil
}

// contentTypes are all there are. The machine is not asked: its answers differ
// from one to the next.
var contentTypes = map[string]string{
	".css":   "text/css; charset=utf-8",
	".ico":   "image/x-icon",
	".js":    "text/javascript; charset=utf-8",
	".png":   "image/png",
	".svg":   "image/svg+xml",
	".woff":  "font/woff",
	".woff2": "font/woff2",
}

// assetPaths is where to find each asset: "app.js" is at
// "/teaching-record/assets/app-0123456789ab.js".
func (s *Set) assetPaths() map[string]string {
	paths := map[string]string{}
	for file := range s.assets {
		ext := path.Ext(file)
		paths[file[:strings.LastIndex(file, "-")]+ext] = s.prefix + "/assets/" + file
	}
	return paths
}

// Assets serves what the pages refer to, below PathPrefix + "/assets/".
// A name holds the hash of its content, so a browser may keep it for ever.
func (s *Set) Assets() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, below := strings.CutPrefix(r.URL.Path, s.prefix+"/assets/")
		a, found := s.assets[name]
		if !below || !found {
			w.Header().Set("Cache-Control", "no-store")
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", a.contentType)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("Vary", "Accept-Encoding")
		body, tag := a.body, name
		if a.zipped != nil && acceptsGzip(r.Header.Get("Accept-Encoding")) {
			h.Set("Content-Encoding", "gzip")
			body, tag = a.zipped, name+".gz"
		}
		h.Set("ETag", `"`+tag+`"`)
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(body))
	})
}

// acceptsGzip reads Accept-Encoding (RFC 9110, 12.5.3) as far as matters:
// gzip is named, and not with the weight 0 that forbids it.
func acceptsGzip(accepted string) bool {
	for coding := range strings.SplitSeq(strings.ToLower(accepted), ",") {
		name, weight, _ := strings.Cut(strings.ReplaceAll(coding, " ", ""), ";")
		if name == "gzip" {
			return strings.Trim(strings.TrimPrefix(weight, "q="), "0.") != "" || weight == ""
		}
	}
	return false
}
