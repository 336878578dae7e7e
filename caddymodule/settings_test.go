package caddymodule

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/google/go-cmp/cmp"
)

// good is a configuration without a mistake.
func good() Config {
	return Config{
		ServiceName:  "Access your teaching qualifications",
		ServiceURL:   "https://teaching.example.gov.uk",
		SupportEmail: "help@example.gov.uk",
		OneLogin:     OneLogin{Environment: "integration", ClientID: "client", PrivateKeys: []string{testKeys().rsa}},
		Redis:        "redis://localhost:6379",
		Secrets:      []string{testSecret},
		Register:     Register{Embedded: "people.json"},
		Assertion:    Assertion{PrivateKeys: []string{testKeys().ec}},
	}
}

// standIns has the addresses of a One Login of one's own in place of its environment.
func standIns(c *Config) {
	c.OneLogin.Environment = ""
	c.OneLogin.Issuer = "https://oidc.example/"
	c.OneLogin.DIDURL = "https://identity.example/.well-known/did.json"
	c.OneLogin.IdentityIssuer = "https://identity.example/"
}

const testSecret = "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3I="

// keys of all kinds, good and bad, as PEM.
type keys struct{ rsa, rsa2, smallRSA, rsaPKCS1, ec, ec2, p384, ecSEC1, ed25519, public, certificate, encrypted string }

var testKeys = sync.OnceValue(func() keys {
	newRSA := func(bits int) *rsa.PrivateKey {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		return try(key, err)
	}
	newEC := func(curve elliptic.Curve) *ecdsa.PrivateKey { return try(ecdsa.GenerateKey(curve, rand.Reader)) }
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	rsaKey, ecKey := newRSA(2048), newEC(elliptic.P256())
	return keys{
		rsa: pkcs8(rsaKey), rsa2: pkcs8(newRSA(2048)), smallRSA: pkcs8(newRSA(1024)),
		rsaPKCS1: toPEM("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey)),
		ec:       pkcs8(ecKey), ec2: pkcs8(newEC(elliptic.P256())), p384: pkcs8(newEC(elliptic.P384())),
		ecSEC1:      toPEM("EC PRIVATE KEY", try(x509.MarshalECPrivateKey(ecKey))),
		ed25519:     pkcs8(try(ed, err)),
		public:      toPEM("PUBLIC KEY", try(x509.MarshalPKIXPublicKey(rsaKey.Public()))),
		certificate: toPEM("CERTIFICATE", []byte("a certificate")),
		encrypted:   toPEM("ENCRYPTED PRIVATE KEY", []byte("under a passphrase")),
	}
})

func pkcs8(key crypto.PrivateKey) string {
	return toPEM("PRIVATE KEY", try(x509.MarshalPKCS8PrivateKey(key)))
}

func toPEM(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func try[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestMistakes has a row for each mistake that can be told without the network:
// what is done to a good configuration, and the sentences that come of it.
func TestMistakes(t *testing.T) {
	runMistakes(t, []mistake{
		{"nothing at all", func(c *Config) { *c = Config{} }, `service_name is missing; write: service_name "Name of your service"
service_url is missing; write: service_url https://teaching.example.gov.uk
support_email is missing; write: support_email help@example.gov.uk
one_login environment is missing; write: environment integration
one_login client_id is missing; write: client_id {env.ONE_LOGIN_CLIENT_ID}
one_login private_key is missing; write: private_key {file./run/secrets/one-login.pem}
redis is missing; write: redis {env.REDIS_URL}
secrets is missing; write: secrets {env.TEACHING_RECORD_SECRET}
register is missing; write: register embedded people.json
assertion private_key is missing; write: private_key {file./run/secrets/assertion.pem}`},
		{"blank is missing", func(c *Config) { c.ServiceName = " " }, `service_name is missing; write: service_name "Name of your service"`},
		{"two mistakes", func(c *Config) { c.ServiceName, c.Redis = "", "" },
			"service_name is missing; write: service_name \"Name of your service\"\nredis is missing; write: redis {env.REDIS_URL}"},

		{"no address", func(c *Config) { c.ServiceURL = "teaching.example.gov.uk" }, "service_url: must be an address; write: service_url https://teaching.example.gov.uk"},
		{"another scheme", func(c *Config) { c.ServiceURL = "ftp://teaching.example.gov.uk" }, "service_url: must be an address; write: service_url https://teaching.example.gov.uk"},
		{"no host", func(c *Config) { c.ServiceURL = "https://" }, "service_url: must be an address; write: service_url https://teaching.example.gov.uk"},
		{"another alphabet", func(c *Config) { c.ServiceURL = "https://téaching.example" }, "service_url: must be an address; write: service_url https://teaching.example.gov.uk"},
		{"a wildcard", func(c *Config) { c.ServiceURL = "https://*.example.gov.uk" }, "service_url: must be an address; write: service_url https://teaching.example.gov.uk"},
		{"a slash", func(c *Config) { c.ServiceURL += "/" }, "service_url: must be the origin only, as browsers write it: https://teaching.example.gov.uk"},
		{"a path", func(c *Config) { c.ServiceURL += "/app" }, "service_url: must be the origin only, as browsers write it: https://teaching.example.gov.uk"},
		{"a query", func(c *Config) { c.ServiceURL += "?a=b" }, "service_url: must be the origin only, as browsers write it: https://teaching.example.gov.uk"},
		{"a user", func(c *Config) { c.ServiceURL = "https://marker:marker@teaching.example.gov.uk" }, "service_url: must be the origin only, as browsers write it: https://teaching.example.gov.uk"},
		{"capitals", func(c *Config) { c.ServiceURL = "https://Teaching.example.gov.uk" }, "service_url: must be the origin only, as browsers write it: https://teaching.example.gov.uk"},
		{"the usual port", func(c *Config) { c.ServiceURL += ":443" }, "service_url: must be the origin only, as browsers write it: https://teaching.example.gov.uk"},
		{"http off loopback", func(c *Config) { c.ServiceURL = "http://teaching.example.gov.uk" }, "service_url: http is for loopback addresses only; write https://teaching.example.gov.uk"},
		{"http on a name like loopback's", func(c *Config) { c.ServiceURL = "http://localhost.example" }, "service_url: http is for loopback addresses only; write https://localhost.example"},
		{"http on a private address", func(c *Config) { c.ServiceURL = "http://10.0.0.1:8080" }, "service_url: http is for loopback addresses only; write https://10.0.0.1:8080"},

		{"prefix of the root", func(c *Config) { c.PathPrefix = "/" }, `path_prefix: "/" must be like /teaching-record: a slash in front, none at the end, lower-case letters, digits and - . _ ~`},
		{"prefix without a slash", func(c *Config) { c.PathPrefix = "teachers" }, `path_prefix: "teachers" must be like /teaching-record: a slash in front, none at the end, lower-case letters, digits and - . _ ~`},
		{"prefix with a slash at the end", func(c *Config) { c.PathPrefix = "/teachers/" }, `path_prefix: "/teachers/" must be like /teaching-record: a slash in front, none at the end, lower-case letters, digits and - . _ ~`},
		{"prefix with dots", func(c *Config) { c.PathPrefix = "/../teachers" }, `path_prefix: "/../teachers" must be like /teaching-record: a slash in front, none at the end, lower-case letters, digits and - . _ ~`},
		{"prefix with capitals", func(c *Config) { c.PathPrefix = "/Teachers" }, `path_prefix: "/Teachers" must be like /teaching-record: a slash in front, none at the end, lower-case letters, digits and - . _ ~`},

		{"no e-mail address", func(c *Config) { c.SupportEmail = "help desk" }, `support_email: "help desk" is not an e-mail address`},
		{"a name beside the address", func(c *Config) { c.SupportEmail = "Help <help@example.gov.uk>" }, `support_email: "Help <help@example.gov.uk>" is not an e-mail address`},

		{"two registers", func(c *Config) { c.Register.TRS = &TRS{URL: "https://trs.example", APIKey: "k"} }, "register: embedded and trs are there both; keep one"},
		{"TRS without its address", func(c *Config) { c.Register = Register{TRS: &TRS{APIKey: "k"}} },
			"register trs url is missing; write: url https://preprod.teacher-qualifications-api.education.gov.uk"},
		{"TRS without a key", func(c *Config) { c.Register = Register{TRS: &TRS{URL: "https://trs.example"}} }, "register trs api_key is missing; write: api_key {env.TRS_API_KEY}"},
		{"TRS with an empty key", func(c *Config) {
			c.Register = Register{TRS: &TRS{URL: "https://trs.example", APIKey: "{env.NOT_SET_ANYWHERE}"}}
		},
			"register trs api_key: {env.NOT_SET_ANYWHERE} is empty; set the environment variable NOT_SET_ANYWHERE"},
		{"TRS over http", func(c *Config) { c.Register = Register{TRS: &TRS{URL: "http://trs.example", APIKey: "k"}} }, "register trs url: must be https; http is for loopback addresses only"},
		{"a TRS of one's own before a real service", func(c *Config) { c.Register = Register{TRS: &TRS{URL: "http://localhost:9000", APIKey: "k"}} },
			"register trs url: a loopback address goes with a loopback service_url only"},

		{"a key that is none of Notify's", func(c *Config) { c.Notify = &Notify{APIKey: "marker"} }, "notify: the API key of GOV.UK Notify must be as Notify shows it: its name, the id of the service and a secret, with hyphens between"},
		{"no template for TRNs", func(c *Config) { c.AllocateTRN, c.Notify = true, &Notify{APIKey: notifyKey} },
			"notify trn_allocated_template is missing; write: trn_allocated_template 2f4b1c9e-5f0a-4f0e-9c77-1f2d3e4a5b6c"},
		{"a template by its name", func(c *Config) { c.Notify = &Notify{APIKey: notifyKey, TRNAllocatedTemplate: "allocated"} },
			`notify trn_allocated_template: "allocated" is not an id of GOV.UK Notify; write: trn_allocated_template 2f4b1c9e-5f0a-4f0e-9c77-1f2d3e4a5b6c`},
		{"a mailbox without a post", func(c *Config) { c.Support.Email = "help@example.gov.uk" }, "support email needs notify, through which the e-mails go; write: notify { … }"},
		{"two places for help", func(c *Config) { c.Support = Support{Email: "help@example.gov.uk", Zendesk: &Zendesk{}} }, "support: email and zendesk are there both; keep one"},
		{"Zendesk without its account", func(c *Config) { c.Support.Zendesk = &Zendesk{ClientID: "c", ClientSecret: "s"} }, "support zendesk subdomain is missing; write: subdomain example"},
		{"a group by its name", func(c *Config) {
			c.Support.Zendesk = &Zendesk{Subdomain: "example", ClientID: "c", ClientSecret: "s", GroupID: "Teachers"}
		}, `support zendesk group_id: "Teachers" is not a number; write: group_id 360001234567`},
		{"a tag of two words", func(c *Config) {
			c.Support.Zendesk = &Zendesk{Subdomain: "example", ClientID: "c", ClientSecret: "s", Tags: []string{"two words"}}
		}, `support zendesk: "two words" is no tag of Zendesk: lower-case letters, digits, _, - and / only`},

		{"unknown environment", func(c *Config) { c.OneLogin.Environment = "staging" }, `one_login environment: "staging" is not one of: integration, production`},
		{"environment and overrides", func(c *Config) { standIns(c); c.OneLogin.Environment = "production" },
			"one_login: environment says where One Login is, so leave out issuer, did_url and identity_issuer, or leave out environment"},
		{"environment and one override", func(c *Config) { c.OneLogin.Issuer = "https://oidc.example/" },
			"one_login: environment says where One Login is, so leave out issuer, did_url and identity_issuer, or leave out environment"},
		{"two of three", func(c *Config) { standIns(c); c.OneLogin.DIDURL = "" },
			"one_login: issuer, did_url and identity_issuer go together; give all three, or environment in their place"},
		{"issuer without slash", func(c *Config) { standIns(c); c.OneLogin.Issuer = "https://oidc.example" },
			"one_login issuer: must end in a slash, as the tokens of One Login have it"},
		{"identity issuer without slash", func(c *Config) { standIns(c); c.OneLogin.IdentityIssuer = "https://identity.example" },
			"one_login identity_issuer: must end in a slash, as the tokens of One Login have it"},
		{"issuer over http", func(c *Config) { standIns(c); c.OneLogin.Issuer = "http://oidc.example/" },
			"one_login issuer: must be https; http is for loopback addresses only"},
		{"keys over http", func(c *Config) { standIns(c); c.OneLogin.DIDURL = "http://identity.example/did.json" },
			"one_login did_url: must be https; http is for loopback addresses only"},
		{"no address of keys", func(c *Config) { standIns(c); c.OneLogin.DIDURL = "did.json" },
			"one_login did_url: must be an address; write: did_url https://identity.example/.well-known/did.json"},
		{"issuer with a query", func(c *Config) { standIns(c); c.OneLogin.Issuer = "https://oidc.example/?a=/" },
			"one_login issuer: must be an address; write: issuer https://oidc.example/"},
		{"issuer with a user", func(c *Config) { standIns(c); c.OneLogin.Issuer = "https://marker@oidc.example/" },
			"one_login issuer: must be an address; write: issuer https://oidc.example/"},
		{"a stand-in before a real service", func(c *Config) { standIns(c); c.OneLogin.Issuer = "http://localhost:8082/" },
			"one_login issuer: a loopback address goes with a loopback service_url only"},
		{"a stand-in's keys before a real service", func(c *Config) { standIns(c); c.OneLogin.DIDURL = "https://127.0.0.1/did.json" },
			"one_login did_url: a loopback address goes with a loopback service_url only"},

		{"embedded Redis off loopback", func(c *Config) { c.Redis = "embedded" },
			"redis embedded: goes with a loopback service_url only, because it forgets everyone when it stops; write: redis {env.REDIS_URL}"},
		{"Redis without a scheme", func(c *Config) { c.Redis = "marker:6379" },
			"redis: must be an address that begins with one of redis://, rediss://, redis+cluster://, rediss+cluster://, redis+sentinel://, rediss+sentinel://, unix://, or the word embedded"},
		{"Redis with another scheme", func(c *Config) { c.Redis = "https://user:marker@redis" },
			"redis: must be an address that begins with one of redis://, rediss://, redis+cluster://, rediss+cluster://, redis+sentinel://, rediss+sentinel://, unix://, or the word embedded"},
		{"Redis nowhere", func(c *Config) { c.Redis = "redis://" },
			"redis: must be an address that begins with one of redis://, rediss://, redis+cluster://, rediss+cluster://, redis+sentinel://, rediss+sentinel://, unix://, or the word embedded"},

		{"unknown binding", func(c *Config) { c.Assertion.Bind = "visit" }, `assertion bind: "visit" is not one of: request, session`},
		{"unknown claim", func(c *Config) { c.Assertion.Claims = []string{"email", "nino"} }, `assertion claims: "nino" is not one of: email, name, birthdate, record`},
		{"a claim twice", func(c *Config) { c.Assertion.Claims = []string{"email", "name", "email"} }, `assertion claims: "email" is there twice; keep one`},

		{"idle too short", func(c *Config) { c.Session.Idle = caddy.Duration(time.Second) }, "session idle: 1s is too short; the least is 1m0s"},
		{"idle below zero", func(c *Config) { c.Session.Idle = -1 }, "session idle: -1ns is too short; the least is 1m0s"},
		{"absolute shorter than idle", func(c *Config) { c.Session.Absolute = caddy.Duration(time.Hour) }, "session absolute: 1h0m0s is shorter than idle, which is 2h0m0s"},
		{"cache too long", func(c *Config) { c.Session.Cache = new(caddy.Duration(11 * time.Second)) }, "session cache: 11s is not between 0s and 10s"},
		{"cache below zero", func(c *Config) { c.Session.Cache = new(caddy.Duration(-1)) }, "session cache: -1ns is not between 0s and 10s"},
		{"lookups below zero", func(c *Config) { c.LookupLimit.Lookups = -1 }, "lookup_limit: -1 lookups are too few; the least is 1"},
		{"window too short", func(c *Config) { c.LookupLimit.Window = caddy.Duration(time.Second) }, "lookup_limit: 1s is too short; the least is 1m0s"},

		{"Welsh", func(c *Config) { c.Languages = []string{"en", "cy"} }, "languages: this version has no Welsh yet, only English: en"},
		{"French", func(c *Config) { c.Languages = []string{"fr"} }, `languages: "fr" is not one of the languages of this version, which has English only: en`},
		{"English twice", func(c *Config) { c.Languages = []string{"en", "en"} }, `languages: "en" is there twice; keep one`},

		{"unknown branding", func(c *Config) { c.Branding = "gov.uk" }, `branding: "gov.uk" is not one of: generic, govuk`},
		{"the crown elsewhere", func(c *Config) { c.Branding, c.ServiceURL = "govuk", "https://teaching.example" },
			"branding govuk: is allowed on gov.uk domains only, and teaching.example is not one; write: branding generic"},
		{"the crown on a name like gov.uk", func(c *Config) { c.Branding, c.ServiceURL = "govuk", "https://notgov.uk" },
			"branding govuk: is allowed on gov.uk domains only, and notgov.uk is not one; write: branding generic"},
	})
}

type mistake struct {
	name string
	make func(*Config)
	want string
}

func runMistakes(t *testing.T, rows []mistake) {
	t.Helper()
	for _, row := range rows {
		config := good()
		row.make(&config)
		_, err := config.resolve(caddy.NewReplacer())
		if err == nil {
			t.Errorf("%s: not noticed", row.name)
			continue
		}
		if diff := cmp.Diff(row.want, err.Error()); diff != "" {
			t.Errorf("%s: not what it should say (-) but (+):\n%s", row.name, diff)
		}
		for secret := range strings.SplitSeq("marker "+testSecret+" "+base64.RawStdEncoding.EncodeToString([]byte("marker")), " ") {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the error shows a secret: %s", row.name, err)
			}
		}
	}
}

// notifyKey has the form of a key of GOV.UK Notify.
const notifyKey = "a name-2f4b1c9e-5f0a-4f0e-9c77-1f2d3e4a5b6c-7a4b1c9e-5f0a-4f0e-9c77-1f2d3e4a5b6d"
