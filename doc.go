// Package teachingrecord is the root of caddy-teaching-record, a Caddy module
// that signs teachers in with GOV.UK One Login, matches them to their teaching
// record, and tells the service behind it who they are in a signed assertion.
//
// The module itself is in caddymodule, which importing this package brings in:
// xcaddy imports what stands after --with. README.md is the map of the rest.
package teachingrecord

import _ "github.com/caddy-teaching-record/caddy-teaching-record/caddymodule"
