package caddymodule

import (
	"os"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
)

func init() {
	httpcaddyfile.RegisterGlobalOption(directive, parseGlobalOption)
}

// parseGlobalOption reads the global option of the directive's name:
//
//	{
//	    teaching_record require_env <name> ...
//	}
//
// Caddy fills in {$NAME} before it reads a Caddyfile, and puts nothing in the
// place of a variable that is empty: reverse_proxy then has nowhere to go and a
// site has no address, and neither is said. So the variables that stand outside
// of our directive, which looks after its own, can be named here.
//
// A site without an address is global options to Caddy. That is how the
// directive itself comes to be read here.
func parseGlobalOption(d *caddyfile.Dispenser, existing any) (any, error) {
	const write = "write: " + directive + " require_env SERVICE_URL UPSTREAM"
	d.Next()
	if d.CountRemainingArgs() == 0 {
		return nil, d.Errf("%s is in a block that has no address, which makes it Caddy's global options; write the address "+
			"of the site in front of the brace; if it is a variable, that variable is empty", directive)
	}
	if d.NextArg(); d.Val() != "require_env" {
		return nil, d.Errf("%s: unknown word %q in the global options; %s", directive, d.Val(), write)
	}
	if existing != nil {
		return nil, d.Errf("%s require_env is there twice; name all variables in one", directive)
	}
	names := d.RemainingArgs()
	if len(names) == 0 {
		return nil, d.Errf("%s require_env has no value; %s", directive, write)
	}
	for _, name := range names {
		if strings.TrimSpace(os.Getenv(name)) == "" {
			return nil, d.Errf("the environment variable %s is empty, and this file needs it", name)
		}
	}
	if d.NextBlock(0) {
		return nil, d.Errf("%s require_env takes no block", directive)
	}
	return names, nil
}
