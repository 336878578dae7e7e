package caddymodule

import (
	"encoding/base64"
	"strings"
	"testing"
)

// TestKeyMistakes: every wrong key is told for what it is, and never shown.
func TestKeyMistakes(t *testing.T) {
	k := testKeys()
	const (
		needRSA = "; make an RSA key with: openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048"
		needEC  = "; make an EC P-256 key with: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256"
		oneRSA  = "; make one with: openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048"
		oneEC   = "; make one with: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256"
	)
	oneLogin := func(keys ...string) func(*Config) { return func(c *Config) { c.OneLogin.PrivateKeys = keys } }
	assertion := func(keys ...string) func(*Config) { return func(c *Config) { c.Assertion.PrivateKeys = keys } }
	runMistakes(t, []mistake{
		{"blank", oneLogin(" "), "one_login private_key: is empty; write: private_key {file./run/secrets/one-login.pem}"},
		{"not PEM", oneLogin("marker"), "one_login private_key: is not a PEM text" + needRSA},
		{"its file", oneLogin("/run/secrets/marker.pem"), "one_login private_key: is the name of a file and not what it holds; write {file./path} with it" + needRSA},
		{"lines run together", oneLogin(strings.ReplaceAll(k.rsa, "\n", " ")), "one_login private_key: is not a PEM text" + needRSA},
		{`\n for line ends`, oneLogin(strings.ReplaceAll(k.rsa, "\n", `\n`)),
			`one_login private_key: has \n written out where its lines should end; give it real line ends, or keep it in a file and write {file./path}` + needRSA},
		{"a public key", oneLogin(k.public), "one_login private_key: is a PEM public key, not a private key" + needRSA},
		{"a certificate", oneLogin(k.certificate), "one_login private_key: is a PEM certificate, not a private key" + needRSA},
		{"under a passphrase", oneLogin(k.encrypted), "one_login private_key: is protected by a passphrase" + needRSA},
		{"under a passphrase, the old way", oneLogin(strings.Replace(k.rsaPKCS1, "KEY-----\n", "KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\n", 1)),
			"one_login private_key: is protected by a passphrase" + needRSA},
		{"two in one", oneLogin(k.rsa + k.rsa2), "one_login private_key: holds more than one PEM block; give each key its own line" + needRSA},
		{"damaged", oneLogin(toPEM("PRIVATE KEY", []byte("marker"))), "one_login private_key: is a damaged or unusual private key" + needRSA},
		{"mislabelled", oneLogin(strings.ReplaceAll(k.ecSEC1, "EC PRIVATE", "RSA PRIVATE")), "one_login private_key: is a damaged or unusual private key" + needRSA},
		{"too small", oneLogin(k.smallRSA), "one_login private_key: is an RSA key of 1024 bits, but it needs 2048 or more" + oneRSA},
		{"an EC key for One Login", oneLogin(k.ec), "one_login private_key: is an EC P-256 key, but One Login takes RSA keys only" + oneRSA},
		{"an Ed25519 key for One Login", oneLogin(k.ed25519), "one_login private_key: is a key of another kind, but One Login takes RSA keys only" + oneRSA},
		{"the second is wrong", oneLogin(k.rsa, k.ec), "one_login private_key, number 2: is an EC P-256 key, but One Login takes RSA keys only" + oneRSA},
		{"the same key in two wrappings", oneLogin(k.rsa, k.rsaPKCS1), "one_login private_key, number 2: is the same key again; each key is given once"},

		{"an RSA key for assertions", assertion(k.rsa), "assertion private_key: is an RSA key of 2048 bits, but assertions are signed with EC P-256 keys only" + oneEC},
		{"another curve", assertion(k.p384), "assertion private_key: is an EC P-384 key, but assertions are signed with EC P-256 keys only" + oneEC},
		{"an Ed25519 key for assertions", assertion(k.ed25519), "assertion private_key: is a key of another kind, but assertions are signed with EC P-256 keys only" + oneEC},
		{"not PEM, for assertions", assertion("marker"), "assertion private_key: is not a PEM text" + needEC},
		{"the same EC key in two wrappings", assertion(k.ec, k.ec2, k.ecSEC1), "assertion private_key, number 3: is the same key again; each key is given once"},
	})
}

// TestGoodKeys: what openssl writes is read, whichever of its commands wrote it.
func TestGoodKeys(t *testing.T) {
	k := testKeys()
	for name, text := range map[string]string{
		"PKCS #8": k.rsa, "PKCS #1": k.rsaPKCS1, "a word before": "Bag Attributes\n" + k.rsa, "Windows": strings.ReplaceAll(k.rsa, "\n", "\r\n"),
	} {
		if _, err := parseRSAKey(text); err != nil {
			t.Errorf("RSA, %s: %v", name, err)
		}
	}
	parameters := toPEM("EC PARAMETERS", []byte("prime256v1"))
	for name, text := range map[string]string{"PKCS #8": k.ec, "SEC 1": k.ecSEC1, "with its curve in front": parameters + k.ecSEC1} {
		if _, err := parseECKey(text); err != nil {
			t.Errorf("EC, %s: %v", name, err)
		}
	}
	if _, err := parseECKey(parameters); err == nil {
		t.Error("a curve without a key was taken")
	}
}

// TestSecretMistakes: secrets that seal nothing are refused, and never shown.
func TestSecretMistakes(t *testing.T) {
	const another = "; make one with: openssl rand -base64 32"
	short := base64.StdEncoding.EncodeToString([]byte("marker marker marker marker mar"))
	secrets := func(values ...string) func(*Config) { return func(c *Config) { c.Secrets = values } }
	runMistakes(t, []mistake{
		{"none", secrets(), "secrets is missing; write: secrets {env.TEACHING_RECORD_SECRET}"},
		{"blank", secrets(" "), "secrets: is empty; write: secrets {env.TEACHING_RECORD_SECRET}"},
		{"blank beside a good one", secrets(testSecret, ""), "secrets, number 2: is empty; write: secrets {env.TEACHING_RECORD_SECRET}"},
		{"plain text", secrets("marker: not base64, but long enough"), "secrets: is not base64" + another},
		{"31 bytes", secrets(short), "secrets: is 31 bytes long, but it needs 32 or more" + another},
		{"zeros", secrets(strings.Repeat("A", 43)), "secrets: is the same byte over and over" + another},
		{"twice", secrets(testSecret, strings.TrimRight(testSecret, "=")), "secrets, number 2: is the same secret again; each secret is given once"},
	})
	for _, good := range []string{testSecret, strings.TrimRight(testSecret, "="), strings.Repeat("-_8A", 11), strings.Repeat("+/8A", 11)} {
		if _, err := parseSecret(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
}
