// Command caddy is Caddy with this module built in: what xcaddy would generate.
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/caddy-teaching-record/caddy-teaching-record/caddymodule"
)

func main() { caddycmd.Main() }
