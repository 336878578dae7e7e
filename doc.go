// Package teachingrecord is the root of caddy-teaching-record, a Caddy module
// that signs teachers in with GOV.UK One Login, matches them to their teaching
// record, and tells the service behind it who they are in a signed assertion.
//
// The module itself is in caddymodule; README.md is the map of the rest. This
// package holds no code, only the test of who may import whom.
package teachingrecord
