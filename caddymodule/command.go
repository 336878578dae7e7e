package caddymodule

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/user"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "teaching-record",
		Usage: "<command>",
		Short: "Looks after teachers' records, visits, requests and tickets",
		Long: `
Looks after teachers' records, visits, requests and tickets.

The commands ask the admin API of the Caddy that runs, by default at
'` + caddy.DefaultAdminListen + `'. Say where it is with --address, or with --config if
the configuration says so. Every change is written to Caddy's log as "audit", with
your user name.`,
		CobraFunc: commands,
	})
}

// commands are all commands below "teaching-record".
func commands(cmd *cobra.Command) {
	flags := cmd.PersistentFlags()
	flags.String("address", "", "Address of the administration API listener (if --config is not used)")
	flags.StringP("config", "c", "", "Configuration file (if --address is not used)")
	flags.StringP("adapter", "a", "", "Name of config adapter to apply (if --config is used)")
	flags.String("service", "", "Host of the service's address, where Caddy runs more than one service")

	requests := command("requests", "Lists the requests for a TRN that wait for a decision", "requests", tellRequests)
	requests.AddCommand(
		command("list", "Lists the requests for a TRN that wait for a decision", "requests", tellRequests),
		command("resolve ID [--trn TRN]", "Answers a request with the record of the TRN, or with a new one", "requests/resolve", tellResolved),
		command("reject ID", "Answers a request with no record", "requests/reject", tellRejected),
	)
	work := command("work", "Lists background work that failed and is not tried again by itself", "work", tellWork)
	work.AddCommand(command("retry KIND NAME", "Tries background work again", "work/retry", tellRetried))
	cmd.AddCommand(
		command("links --subject SUBJECT", "Shows the record that a teacher is connected to", "links", tellLink),
		command("connect --subject SUBJECT --trn TRN", "Connects a teacher to a record", "links/connect", tellConnected),
		command("disconnect --subject SUBJECT", "Disconnects a teacher from their record", "links/disconnect", tellDisconnected),
		command("visits --subject SUBJECT", "Shows how often a teacher is signed in", "visits", tellVisits),
		command("revoke --subject SUBJECT", "Signs a teacher out everywhere", "visits/revoke", tellRevoked),
		requests,
		command("tickets", "Lists the requests for help", "tickets", tellTickets),
		work,
	)
	cmd.Args = cobra.NoArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() } // else an unknown command would be no error
}

// flagHelp says what the flags of commands are.
var flagHelp = map[string]string{
	"subject": "Subject of the teacher at GOV.UK One Login, as in their ticket",
	"trn":     "TRN of the record",
}

// command makes the command that asks an endpoint and tells its answer. Those words
// of the endpoint that are flags in use are flags; the others stand behind the
// command, in their order.
func command[Answer any](use, short, path string, tell func(io.Writer, Answer)) *cobra.Command {
	asked := endpoints[path]
	cmd := &cobra.Command{Use: use, Short: short, DisableFlagsInUseLine: true, Args: cobra.ArbitraryArgs}
	for _, word := range asked.words {
		if strings.Contains(use, "--"+word) {
			cmd.Flags().String(word, "", flagHelp[word])
		}
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		said := words{}
		for _, word := range asked.words {
			name := strings.ToUpper(word)
			if flag := cmd.Flags().Lookup(word); flag != nil {
				name, said[word] = "--"+word, flag.Value.String()
			} else if len(args) > 0 {
				said[word], args = args[0], args[1:]
			}
			if optional := strings.Contains(use, "["+name); said[word] == "" && !optional {
				return fmt.Errorf("%s is missing; write: %s", name, cmd.UseLine())
			}
		}
		if len(args) > 0 {
			return fmt.Errorf("%q is too much; write: %s", args[0], cmd.UseLine())
		}
		var answer Answer
		if err := ask(cmd, asked.method, path, said, &answer); err != nil {
			return err
		}
		tell(cmd.OutOrStdout(), answer)
		return nil
	}
	return cmd
}

// ask has Caddy's admin API answer.
func ask(cmd *cobra.Command, method, path string, said words, answer any) error {
	flag := func(name string) string { return cmd.Flag(name).Value.String() }
	address, err := caddycmd.DetermineAdminAPIAddress(flag("address"), nil, flag("config"), flag("adapter"))
	if err != nil {
		return err
	}
	query, posted := url.Values{}, io.Reader(nil)
	if service := flag("service"); service != "" {
		query.Set("service", service)
	}
	if method == http.MethodPost {
		said["by"] = operator()
		text, err := json.Marshal(said)
		if err != nil {
			return err
		}
		posted = bytes.NewReader(text)
	} else {
		for word, value := range said {
			query.Set(word, value)
		}
	}
	target := url.URL{Path: adminPath + path, RawQuery: query.Encode()}
	resp, err := caddycmd.AdminAPIRequest(address, method, target.String(), nil, posted)
	if err != nil {
		return plain(err, address)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(answer); err != nil {
		return fmt.Errorf("the admin API at %s gave an answer that is none of ours: %w", address, err)
	}
	return nil
}

// plain is what our admin API says is wrong, which Caddy's error quotes. Any other
// error comes from the way there.
func plain(err error, address string) error {
	var said problem
	if _, quoted, _ := strings.Cut(err.Error(), "{"); json.Unmarshal([]byte("{"+quoted), &said) == nil && said.Detail != "" {
		return errors.New(said.Detail)
	}
	return fmt.Errorf("%w\nThis was Caddy's admin API at %s; if it is elsewhere, add --address or --config", err, address)
}

// operator is who makes a change.
func operator() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "uid " + strconv.Itoa(os.Getuid()) // of nobody that the system knows, as in a container
}
