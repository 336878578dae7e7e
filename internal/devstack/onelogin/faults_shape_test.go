package onelogin

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/people"
)

// kindsAt are the kinds of function that each stage looks at, in the order of a
// sign-in.
var kindsAt = []struct {
	stage Stage
	kinds []string
}{
	{AtDiscovery, []string{"answer", "edit", "text"}},
	{AtAuthorize, []string{"answer", "query"}},
	{AtCode, []string{"grant"}},
	{AtCallback, []string{"query", "before"}},
	{AtToken, []string{"answer", "edit", "text"}},
	{AtIDToken, []string{"token"}},
	{AtJWKS, []string{"answer", "edit", "text"}},
	{AtUserinfo, []string{"answer", "edit", "text"}},
	{AtIdentity, []string{"token", "edit"}},
	{AtDID, []string{"answer", "edit", "text"}},
	{AtLogout, []string{"answer"}},
}

func (f Fault) kinds() (kinds []string) {
	for kind, set := range map[string]bool{"answer": f.answer != nil, "edit": f.edit != nil, "text": f.text != nil, "token": f.token != nil,
		"query": f.query != nil, "before": f.before != nil, "grant": f.grant != nil} {
		if set {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

var (
	kebab    = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	sentence = regexp.MustCompile(`^[A-Z][^.!?]*(\.[^ ][^.!?]*)*\.$`)
)

func TestFaultsAreWhole(t *testing.T) {
	names, sentences, stages := map[string]bool{}, map[string]bool{}, []Stage{}
	for _, f := range Faults() {
		if names[f.Name] {
			t.Errorf("%s: the name is not unique", f.Name)
		}
		if names[f.Name] = true; !kebab.MatchString(f.Name) || !strings.HasPrefix(f.Name, string(f.Stage)+"-") {
			t.Errorf("%s: not a kebab-case name that begins with its stage, %s", f.Name, f.Stage)
		}
		if sentences[string(f.Stage)+f.Does] || !sentence.MatchString(f.Does) {
			t.Errorf("%s: not one sentence of its own: %q", f.Name, f.Does)
		}
		sentences[string(f.Stage)+f.Does] = true
		if len(stages) == 0 || stages[len(stages)-1] != f.Stage {
			stages = append(stages, f.Stage)
		}
		kinds := f.kinds()
		i := slices.IndexFunc(kindsAt, func(k struct {
			stage Stage
			kinds []string
		}) bool {
			return k.stage == f.Stage
		})
		if i < 0 || len(kinds) != 1 || !slices.Contains(kindsAt[i].kinds, kinds[0]) {
			t.Errorf("%s at %s has %v", f.Name, f.Stage, kinds)
		}
	}
	var order []Stage
	for _, k := range kindsAt {
		order = append(order, k.stage)
	}
	if diff := cmp.Diff(order, stages); diff != "" {
		t.Errorf("each stage once, in the order of a sign-in: %s", diff)
	}
}

// TestFaultsSpoil: what a fault does can be seen in what it is done to.
func TestFaultsSpoil(t *testing.T) {
	for _, f := range Faults() {
		t.Run(f.Name, func(t *testing.T) {
			s := newSpoiled(t)
			switch f.kinds()[0] {
			case "edit", "text":
				right, header := s.document(f.Stage), http.Header{}
				before, _ := json.Marshal(right)
				if f.edit != nil {
					f.edit(header, right)
				}
				after, err := json.Marshal(right)
				if err != nil {
					t.Fatal(err)
				}
				if f.text != nil {
					after = []byte(f.text(string(after)))
				}
				if bytes.Equal(before, after) && len(header) == 0 {
					t.Error("the document is as before")
				}
			case "query":
				query := url.Values{"code": {"c"}, "state": {"s"}}
				if f.query(query); query.Encode() == (url.Values{"code": {"c"}, "state": {"s"}}).Encode() {
					t.Error("the callback is as before")
				}
			case "grant":
				g := s.grant()
				if f.grant(s.Server, &g); cmp.Equal(g, s.grant(), cmp.AllowUnexported(grant{}, request{})) {
					t.Error("the code stands for the same as before")
				}
			case "answer":
				s.answers(t, f)
			case "token":
				s.token(t, f)
			}
		})
	}
}

// spoiled is a stand-in whose right answers are known.
type spoiled struct {
	*Server
	client *Client
}

func newSpoiled(t *testing.T) spoiled {
	t.Helper()
	s, err := New(Config{Issuer: "http://one-login.test/", Stall: time.Millisecond, Now: func() time.Time { return time.Unix(1_800_000_000, 0) },
		Clients: []Client{{ID: "party", RedirectURIs: []string{"http://rp.test/callback"}, JWKSURL: "http://rp.test/keys"}}})
	if err != nil {
		t.Fatal(err)
	}
	return spoiled{s, s.client("party")}
}

func (s spoiled) grant() grant {
	person, _ := people.Find("found-by-nino")
	return grant{request: request{client: s.client, redirectURI: "http://rp.test/callback", nonce: "n", challenge: "c", identity: true, asked: []string{coreIdentityClaim, returnCodeClaim},
		scopes: []string{"openid", "email"}}, person: person, authTime: s.config.Now()}
}

// document is the right answer of a stage, by its own handler where it has one.
func (s spoiled) document(stage Stage) claims {
	serve := map[Stage]handler{AtDiscovery: s.discovery, AtJWKS: s.jwks, AtDID: s.did, AtUserinfo: s.userinfo, AtIdentity: s.userinfo}[stage]
	if serve == nil {
		return claims{"access_token": "a", "token_type": "Bearer", "id_token": "i"}
	}
	s.accessToken.put("a", s.grant(), time.Minute)
	r, w := httptest.NewRequest(http.MethodGet, "/", nil), httptest.NewRecorder()
	r.Header.Set("Authorization", "Bearer a")
	if err := serve(w, r); err != nil {
		panic(err)
	}
	var document claims
	if err := json.Unmarshal(w.Body.Bytes(), &document); err != nil {
		panic(err)
	}
	return document
}

// answers: a fault that does not answer itself takes its time, breaks the
// connection, or leads elsewhere first.
func (s spoiled) answers(t *testing.T, f Fault) {
	t.Helper()
	w := httptest.NewRecorder()
	defer func() {
		if dropped := recover(); (dropped == http.ErrAbortHandler) != strings.HasSuffix(f.Name, "-dropped") {
			t.Errorf("panic: %v", dropped)
		}
	}()
	answered := f.answer(s.Server, w, httptest.NewRequest(http.MethodGet, "/x?state=s", nil))
	if answered == strings.HasSuffix(f.Name, "-slow") {
		t.Errorf("answered: %v", answered)
	}
	if status := regexp.MustCompile(`-[45]\d\d$`).FindString(f.Name); status != "" && "-"+w.Result().Status[:3] != status {
		t.Errorf("status %s", w.Result().Status)
	}
	if strings.HasSuffix(f.Name, "-redirect") && (w.Code != http.StatusTemporaryRedirect || f.answer(s.Server, w, httptest.NewRequest(http.MethodGet, w.Header().Get("Location"), nil))) {
		t.Errorf("redirects with %d to where the right answer is not", w.Code)
	}
}

// token: the spoiled token can be made, and does not pass for the right one.
func (s spoiled) token(t *testing.T, f Fault) {
	t.Helper()
	key, kid, issuer := s.idKeys.signing, s.idKeys.signing.KeyID, s.config.Issuer
	if f.Stage == AtIdentity {
		key, kid, issuer = s.didKeys.signing, s.controller+"#"+s.didKeys.signing.KeyID, s.config.IdentityIssuer
	}
	right := func() claims {
		name := map[string]any{"nameParts": nameParts([]string{"PEREGRINE", "LUCIAN"}, []string{"THISTLEWICK"})}
		return claims{"iss": issuer, "aud": "party", "sub": "somebody", "iat": s.config.Now().Unix(), "nbf": s.config.Now().Unix(), "exp": s.config.Now().Add(time.Hour).Unix(),
			"nonce": "n", "vot": "P2/Cl.Cm", "at_hash": "h", "vc": map[string]any{"type": []any{"a"}, "credentialSubject": map[string]any{"name": []any{name}, "birthDate": []any{map[string]any{"value": "1986-02-19"}}}}}
	}
	d := draft{kid: kid, alg: jose.ES256, key: key.Key, claims: right()}
	f.token(s.Server, &d)
	compact, err := d.sign()
	if err != nil {
		t.Fatal(err)
	}
	jws, err := jose.ParseSignedCompact(compact, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return // no ES256 token at all
	}
	payload, err := jws.Verify(key.Public())
	want, _ := json.Marshal(right())
	if h := jws.Signatures[0].Protected; err == nil && bytes.Equal(payload, want) && h.KeyID == kid && h.JSONWebKey == nil && len(h.ExtraHeaders) == 0 {
		t.Error("the token is as before")
	}
}
