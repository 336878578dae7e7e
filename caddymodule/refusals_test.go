package caddymodule

import (
	"fmt"
	"strings"
	"testing"
)

// TestRefusals has a row for each thing the directive refuses to read: what
// stands in its block, and the sentence. The last line of the block is at fault.
func TestRefusals(t *testing.T) {
	for _, row := range []struct{ block, want string }{
		// Words nobody knows, or that only look as if they were known.
		{"service_nmae x", `unknown word "service_nmae" in teaching_record; its words are: allocate_trn, assertion, branding, find_a_lost_trn, languages, lookup_limit, notify, one_login, path_prefix, public, redis, register, secrets, service_name, service_url, session, support, support_email`},
		{"one_login {\nclient_secret x", `unknown word "client_secret" in one_login; its words are: client_id, did_url, environment, identity_issuer, issuer, private_key`},
		{"assertion {\nkey x", `unknown word "key" in assertion; its words are: audience, bind, claims, plain_headers, private_key`},
		{"REDIS embedded", `unknown word "REDIS" in teaching_record; its words are: allocate_trn, assertion, branding, find_a_lost_trn, languages, lookup_limit, notify, one_login, path_prefix, public, redis, register, secrets, service_name, service_url, session, support, support_email`},
		{"private_key x", `unknown word "private_key" in teaching_record; its words are: allocate_trn, assertion, branding, find_a_lost_trn, languages, lookup_limit, notify, one_login, path_prefix, public, redis, register, secrets, service_name, service_url, session, support, support_email`},
		{"register file people.json", `register: unknown word "file"; write: register embedded people.json`},
		{"session forever", `session: unknown word "forever"; write: session idle 2h absolute 12h cache 2s`},
		{"session 2h", `session: unknown word "2h"; write: session idle 2h absolute 12h cache 2s`},

		{"allocate_trn yes", `allocate_trn takes no value, but has "yes"; write: allocate_trn`},
		{"allocate_trn\nallocate_trn", "allocate_trn is there twice; keep one"},
		{"notify {\nkey x", `unknown word "key" in notify; its words are: api_key, reply_to, support_template, trn_allocated_template, url`},
		{"support", "support has no value; write: support email help@example.gov.uk, or support zendesk { … }"},
		{"support telephone", `support: unknown word "telephone"; write: support email help@example.gov.uk, or support zendesk { … }`},
		{"support email", "support email takes one value, not 0; write: support email help@example.gov.uk"},
		{"support zendesk {\nfield 1", "support zendesk field takes two values, not 1; write: field 4419328659089 request_from_teaching_record"},
		{"support zendesk {\nfield 1 a\nfield 1 b", "support zendesk field 1 is there twice; keep one"},
		{"support zendesk {\nshow_nino yes", `support zendesk show_nino: "yes" is not one of: on, off`},
		{"register trs {\nwebhook yes", `register trs webhook: "yes" is not one of: on, off`},
		{"register trs {\nwebhook", "register trs webhook takes one value, not 0; write: webhook on"},
		{"register trs {\nkey x", `unknown word "key" in register trs; its words are: api_key, url, webhook`},
		{"register trs {\nurl", "register trs url takes one value, not 0; write: url https://preprod.teacher-qualifications-api.education.gov.uk"},
		{"register trs {\nurl a\nurl b", "register trs url is there twice; keep one"},
		{"register trs https://trs.example", `register trs takes only a block, not "https://trs.example"`},

		// Words that are there twice.
		{"service_name a\nservice_name b", "service_name is there twice; keep one"},
		{"redis embedded\nredis embedded", "redis is there twice; keep one"},
		{"public /a\npublic /b", "public is there twice; keep one"},
		{"secrets a\nsecrets b", "secrets is there twice; keep one"},
		{"register embedded a\nregister embedded b", "register is there twice; keep one"},
		{"session idle 2h\nsession cache 2s", "session is there twice; keep one"},
		{"session idle 2h idle 3h", "session idle is there twice; keep one"},
		{"one_login {\nclient_id a\n}\none_login {", "one_login is there twice; keep one"},
		{"one_login {\nclient_id a\nclient_id b", "one_login client_id is there twice; keep one"},
		{"assertion {\nbind request\nbind request", "assertion bind is there twice; keep one"},

		// Too few values, too many, and blocks where none belong.
		{"service_name", `service_name takes one value, not 0; write: service_name "Name of your service"`},
		{"service_name Access your teaching qualifications", `service_name takes one value, not 4; write: service_name "Name of your service"`},
		{"service_url", "service_url takes one value, not 0; write: service_url https://teaching.example.gov.uk"},
		{"service_url https://a https://b", "service_url takes one value, not 2; write: service_url https://teaching.example.gov.uk"},
		{"path_prefix", "path_prefix takes one value, not 0; write: path_prefix /teaching-record"},
		{"path_prefix /a /b", "path_prefix takes one value, not 2; write: path_prefix /teaching-record"},
		{"public", "public has no value; write: public /healthcheck /assets/*"},
		{"support_email", "support_email takes one value, not 0; write: support_email help@example.gov.uk"},
		{"support_email a@b c@d", "support_email takes one value, not 2; write: support_email help@example.gov.uk"},
		{"one_login integration", `one_login takes only a block, not "integration"`},
		{"one_login {\nenvironment", "one_login environment takes one value, not 0; write: environment integration"},
		{"one_login {\nenvironment integration production", "one_login environment takes one value, not 2; write: environment integration"},
		{"one_login {\nclient_id", "one_login client_id takes one value, not 0; write: client_id {env.ONE_LOGIN_CLIENT_ID}"},
		{"one_login {\nclient_id a b", "one_login client_id takes one value, not 2; write: client_id {env.ONE_LOGIN_CLIENT_ID}"},
		{"one_login {\nprivate_key", "one_login private_key takes one value, not 0; write: private_key {file./run/secrets/one-login.pem}"},
		{"one_login {\nprivate_key a b", "one_login private_key takes one value, not 2; write: private_key {file./run/secrets/one-login.pem}"},
		{"one_login {\nissuer", "one_login issuer takes one value, not 0; write: issuer https://oidc.example/"},
		{"one_login {\ndid_url", "one_login did_url takes one value, not 0; write: did_url https://identity.example/.well-known/did.json"},
		{"one_login {\nidentity_issuer", "one_login identity_issuer takes one value, not 0; write: identity_issuer https://identity.example/"},
		{"redis", "redis takes one value, not 0; write: redis {env.REDIS_URL}"},
		{"redis a b", "redis takes one value, not 2; write: redis {env.REDIS_URL}"},
		{"secrets", "secrets has no value; write: secrets {env.TEACHING_RECORD_SECRET}"},
		{"register", "register has no value; write: register embedded people.json"},
		{"register embedded", "register embedded takes one value, not 0; write: register embedded people.json"},
		{"register embedded a b", "register embedded takes one value, not 2; write: register embedded people.json"},
		{"assertion my-service", `assertion takes only a block, not "my-service"`},
		{"assertion {\naudience", "assertion audience takes one value, not 0; write: audience your-service"},
		{"assertion {\naudience a b", "assertion audience takes one value, not 2; write: audience your-service"},
		{"assertion {\nprivate_key", "assertion private_key takes one value, not 0; write: private_key {file./run/secrets/assertion.pem}"},
		{"assertion {\nbind", "assertion bind takes one value, not 0; write: bind request"},
		{"assertion {\nbind request session", "assertion bind takes one value, not 2; write: bind request"},
		{"assertion {\nclaims", "assertion claims has no value; write: claims email name birthdate record"},
		{"assertion {\nplain_headers", "assertion plain_headers takes one value, not 0; write: plain_headers on"},
		{"assertion {\nplain_headers on off", "assertion plain_headers takes one value, not 2; write: plain_headers on"},
		{"session", "session has no value; write: session idle 2h absolute 12h cache 2s"},
		{"lookup_limit", "lookup_limit takes a number and a duration; write: lookup_limit 5 24h"},
		{"lookup_limit 5", "lookup_limit takes a number and a duration; write: lookup_limit 5 24h"},
		{"lookup_limit 5 24h 3", "lookup_limit takes a number and a duration; write: lookup_limit 5 24h"},
		{"languages", "languages has no value; write: languages en"},
		{"branding", "branding takes one value, not 0; write: branding govuk"},
		{"branding generic govuk", "branding takes one value, not 2; write: branding govuk"},
		{"redis embedded {", "redis takes no block"},
		{"session idle 2h {", "session takes no block"},
		{"one_login {\nclient_id a {", "one_login client_id takes no block"},

		// Words from a list.
		{"one_login {\nenvironment staging", `one_login environment: "staging" is not one of: integration, production`},
		{"assertion {\nbind visit", `assertion bind: "visit" is not one of: request, session`},
		{"assertion {\nplain_headers yes", `assertion plain_headers: "yes" is not one of: on, off`},
		{"assertion {\nplain_headers {env.PLAIN}", `assertion plain_headers: "{env.PLAIN}" is not one of: on, off`},
		{"branding gov.uk", `branding: "gov.uk" is not one of: generic, govuk`},

		// Numbers and lengths of time.
		{"session idle", "session idle has no duration; write one such as 2h, 90m or 30s"},
		{"session idle 2h cache", "session cache has no duration; write one such as 2h, 90m or 30s"},
		{"session idle 2", `session idle: "2" is not a duration; write one such as 2h, 90m or 30s`},
		{"session idle absolute 12h", `session idle: "absolute" is not a duration; write one such as 2h, 90m or 30s`},
		{"session absolute {env.LIMIT}", `session absolute: "{env.LIMIT}" is not a duration; write one such as 2h, 90m or 30s`},
		{"session idle 59s", `session idle: "59s" is too short; the least is 1m0s`},
		{"session idle 0s", `session idle: "0s" is too short; the least is 1m0s`},
		{"session absolute 0s", `session absolute: "0s" is too short; the least is 1m0s`},
		{"session cache -1s", `session cache: "-1s" is too short; the least is 0s`},
		{"lookup_limit five 24h", `lookup_limit: "five" is not a number of lookups; write: lookup_limit 5 24h`},
		{"lookup_limit 0 24h", `lookup_limit: "0" is not a number of lookups; write: lookup_limit 5 24h`},
		{"lookup_limit -1 24h", `lookup_limit: "-1" is not a number of lookups; write: lookup_limit 5 24h`},
		{"lookup_limit 5 a-day", `lookup_limit: "a-day" is not a duration; write one such as 2h, 90m or 30s`},
		{"lookup_limit 5 59s", `lookup_limit: "59s" is too short; the least is 1m0s`},
		{"lookup_limit 5 0s", `lookup_limit: "0s" is too short; the least is 1m0s`},
	} {
		line := 3 + strings.Count(row.block, "\n")
		braces := placeholder.ReplaceAllString(row.block, "")
		ends := strings.Repeat("}\n", strings.Count(braces, "{")-strings.Count(braces, "}"))
		refused(t, "localhost {\nteaching_record {\n"+row.block+"\n"+ends+"}\n}\n", row.want, line)
	}
}

// TestRefusesToBePartial: a directive for some requests only would leave the
// rest unprotected.
func TestRefusesToBePartial(t *testing.T) {
	for _, matcher := range []string{"/admin/*", "*", "@teachers", `"path('/admin')"`} {
		refused(t, "localhost {\n@teachers path /admin/*\nteaching_record "+matcher+" {\nredis embedded\n}\n}\n",
			fmt.Sprintf("teaching_record takes no matcher and no arguments, but has %q: requests that a matcher leaves out "+
				"would reach the service unchecked; name the paths that need no sign-in under public", strings.Trim(matcher, `"`)), 3)
	}
}

// TestRefusesOrders: the global option order can neither put the directive
// behind what answers, nor in front of what edits the request.
func TestRefusesOrders(t *testing.T) {
	const want = "the global option order would let requests reach the service without teaching_record, or change after it; " +
		"keep it after method, rewrite, uri, try_files and request_header, " +
		"and before invoke, handle, handle_path, route, respond, reverse_proxy, php_fastcgi and file_server"
	orders := []string{"teaching_record last", "teaching_record first", "teaching_record before request_header", "teaching_record after reverse_proxy"}
	for _, answers := range answerers {
		orders = append(orders, answers+" before teaching_record", answers+" first")
	}
	for _, edits := range editors {
		orders = append(orders, edits+" after teaching_record", edits+" last")
	}
	for _, order := range orders {
		refused(t, "{\norder "+order+"\n}\nlocalhost {\nteaching_record\n}\n", want, 5)
	}
}

// TestRefusedGlobalOptions are the mistakes in the global option of our name.
func TestRefusedGlobalOptions(t *testing.T) {
	t.Setenv("TEST_SITE", "localhost")
	for _, row := range []struct{ block, want string }{
		{"teaching_record require_env", "teaching_record require_env has no value; write: teaching_record require_env SERVICE_URL UPSTREAM"},
		{"teaching_record needs TEST_SITE", `teaching_record: unknown word "needs" in the global options; write: teaching_record require_env SERVICE_URL UPSTREAM`},
		{"teaching_record require_env TEST_SITE {\nredis embedded\n}", "teaching_record require_env takes no block"},
		{"teaching_record require_env TEST_SITE\nteaching_record require_env TEST_SITE", "teaching_record require_env is there twice; name all variables in one"},
	} {
		lines := 2 + strings.Count(strings.TrimSuffix(row.block, "\n}"), "\n")
		refused(t, "{\n"+row.block+"\n}\nlocalhost {\nteaching_record\n}\n", row.want, lines)
	}
}

// refused adapts a Caddyfile and expects one error, at a line.
func refused(t *testing.T, caddyfile, want string, line int) {
	t.Helper()
	want = fmt.Sprintf("parsing caddyfile tokens for 'teaching_record': %s, at Caddyfile:%d", want, line)
	if _, err := adapt(caddyfile); err == nil {
		t.Errorf("not refused, but should say %q:\n%s", want, caddyfile)
	} else if err.Error() != want {
		t.Errorf("got  %s\nwant %s\nfor\n%s", err, want, caddyfile)
	}
}
