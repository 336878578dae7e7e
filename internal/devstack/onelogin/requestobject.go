package onelogin

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// request is an authorisation request that broke no rule.
type request struct {
	client      *Client
	redirectURI string
	state       string
	nonce       string
	challenge   string // PKCE, S256
	scopes      []string
	identity    bool     // "Cl.Cm.P2" was asked for
	asked       []string // identity claims asked for
}

func (r request) journey() Journey {
	if r.identity {
		return IdentityJourney
	}
	return SignInJourney
}

// The identity claims a client is registered for.
const (
	coreIdentityClaim = "https://vocab.account.gov.uk/v1/coreIdentityJWT"
	returnCodeClaim   = "https://vocab.account.gov.uk/v1/returnCode"
)

// registeredScopes are those that a client is registered for.
var registeredScopes = []string{"openid", "email", "phone"}

// The members a request object may have. The real provider knows a few more
// (max_age by approval; prompt and id_token_hint for re-authentication), which
// a relying party of this module must not send.
var requestMembers = []string{
	"aud", "iss", "iat", "nbf", "exp", "jti", "client_id", "response_type", "response_mode", "redirect_uri", "scope",
	"state", "nonce", "vtr", "claims", "ui_locales", "code_challenge", "code_challenge_method",
}

var (
	opaque    = regexp.MustCompile(`^[A-Za-z0-9_-]{20,64}$`) // state, nonce: small, unguessable, and safe in a URL unescaped
	challenge = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)    // SHA-256 in base64url
	verifier  = regexp.MustCompile(`^[A-Za-z0-9._~-]{43,128}$`)
	locales   = regexp.MustCompile(`^(en|cy)( (en|cy))?$`)
)

// readRequest holds an authorisation request to every rule there is.
func (s *Server) readRequest(r *http.Request) (request, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	once := true
	for _, values := range query {
		once = once && len(values) == 1
	}
	if err := firstBroken(
		rule{len(r.URL.RawQuery) > 4096, "403", "the query string must not exceed 4096 bytes"},
		rule{err != nil, "400", "the query string must be well-formed"},
		rule{!once, "", "a parameter must not be given twice"},
		rule{query.Get("request_uri") != "", "request_uri_not_supported", "request_uri is not supported"},
		rule{query.Get("request") == "", "access_denied", "this client must send a request object"},
		rule{!slices.Equal(slices.Sorted(maps.Keys(query)), []string{"client_id", "request", "response_type", "scope"}), "", "beside request the query holds response_type, scope and client_id, and nothing else"},
	); err != nil {
		return request{}, err
	}
	client := s.client(query.Get("client_id"))
	if client == nil {
		return request{}, breaks("400", "the client_id is not registered")
	}
	object, err := s.clientJWT(r.Context(), client, query.Get("request"), "the request object", "400", "500")
	if err != nil {
		return request{}, err
	}
	if err := firstBroken(slices.Concat(s.envelopeRules(client, object), s.parameterRules(client, object, query))...); err != nil {
		return request{}, err
	}
	identity, err := readVector(object["vtr"])
	if err != nil {
		return request{}, err
	}
	asked, err := readClaims(object, identity)
	if err != nil {
		return request{}, err
	}
	// Last, so that a request refused for another reason may be sent again.
	for _, kind := range []string{"jti", "state", "nonce"} {
		if value := object.text(kind); value != "" && !s.unused("request "+kind, value, longestJourney) {
			return request{}, breaks("", "the request object was used before: its "+kind+" is not new")
		}
	}
	return request{
		client: client, redirectURI: object.text("redirect_uri"), state: object.text("state"), nonce: object.text("nonce"),
		challenge: object.text("code_challenge"), scopes: strings.Fields(object.text("scope")), identity: identity, asked: asked,
	}, nil
}

// envelopeRules: who the request object is from, for whom, and until when.
func (s *Server) envelopeRules(client *Client, object claims) []rule {
	now := s.config.Now()
	expires, hasExpiry := object.at("exp")
	issued, hasIssued := object.at("iat")
	starts, hasStart := object.at("nbf")
	unknown := slices.ContainsFunc(slices.Collect(maps.Keys(object)), func(member string) bool { return !slices.Contains(requestMembers, member) })
	return []rule{
		{object["request"] != nil || object["request_uri"] != nil, "invalid_request", "a request object must not hold request or request_uri"},
		{object["sub"] != nil, "400", "a request object has no sub"},
		{unknown, "", "the request object has a member that is not among " + strings.Join(requestMembers, ", ")},
		{object.text("aud") != s.config.Issuer+"authorize", "access_denied", "aud of the request object must be the authorize URL, as one string"},
		{object.text("iss") != client.ID, "unauthorized_client", "iss of the request object must be the client_id"},
		{object.text("client_id") != client.ID, "unauthorized_client", "client_id of the request object must be that of the query"},
		{!hasExpiry, "", "exp of the request object is required, in whole seconds"},
		{!expires.After(now.Add(-skew)), "400", "the request object has expired"},
		{expires.After(now.Add(longestJWTLife + skew)), "", "a request object must not live longer than five minutes"},
		{object["iat"] != nil && (!hasIssued || issued.After(now.Add(skew))), "", "iat of the request object lies in the future"},
		{object["nbf"] != nil && (!hasStart || starts.After(now.Add(skew))), "400", "the request object is not valid yet"},
	}
}

// parameterRules: the OAuth and OpenID Connect parameters.
func (s *Server) parameterRules(client *Client, object claims, query url.Values) []rule {
	scopes := strings.Fields(object.text("scope"))
	unregistered := slices.ContainsFunc(scopes, func(scope string) bool { return !slices.Contains(registeredScopes, scope) })
	return []rule{
		{!slices.Contains(client.RedirectURIs, object.text("redirect_uri")), "400", "redirect_uri must equal a registered one exactly"},
		{object.text("response_type") != "code", "unsupported_response_type", "response_type must be code"},
		{query.Get("response_type") != object.text("response_type"), "invalid_request", "response_type differs between query and request object"},
		{object["response_mode"] != nil && object["response_mode"] != "query", "400", "response_mode must be query: a fragment never reaches a proxy"},
		{!slices.Contains(scopes, "openid"), "invalid_scope", "scope must contain openid"},
		{unregistered, "invalid_scope", "scope names one that is not registered for this client"},
		{query.Get("scope") != object.text("scope"), "invalid_request", "scope differs between query and request object"},
		{object.text("state") == "", "invalid_request", "state is missing"},
		{!opaque.MatchString(object.text("state")), "", "state must be 20 to 64 characters of base64url"},
		{object.text("nonce") == "", "invalid_request", "nonce is missing"},
		{!opaque.MatchString(object.text("nonce")), "", "nonce must be 20 to 64 characters of base64url"},
		{object.text("state") == object.text("nonce"), "", "state and nonce must differ"},
		{object["code_challenge"] == nil, "invalid_request", "code_challenge is missing: PKCE is enforced for this client"},
		{object.text("code_challenge_method") != "S256", "invalid_request", "code_challenge_method must be S256"},
		{!challenge.MatchString(object.text("code_challenge")), "invalid_request", "code_challenge must be a SHA-256 in base64url"},
		{object["ui_locales"] != nil && !locales.MatchString(object.text("ui_locales")), "invalid_request", "ui_locales must be one string of en and cy"},
	}
}

// readVector reads "vtr": a JSON array, or a string that holds one, with
// exactly one vector. The order inside a vector is free.
func readVector(vtr any) (identity bool, err error) {
	if text, ok := vtr.(string); ok {
		if json.Unmarshal([]byte(text), &vtr) != nil {
			return false, breaks("invalid_request", "Request vtr not valid: no JSON array")
		}
	}
	vectors, _ := vtr.([]any)
	if len(vectors) != 1 {
		return false, breaks("", "vtr must be an array of exactly one vector")
	}
	vector, _ := vectors[0].(string)
	parts := strings.Split(vector, ".")
	slices.Sort(parts)
	switch strings.Join(parts, ".") {
	case "Cl.Cm":
		return false, nil
	case "Cl.Cm.P2":
		return true, nil
	default:
		return false, breaks("invalid_request", "Request vtr is not permitted: this client has Cl.Cm and Cl.Cm.P2")
	}
}

// readClaims reads "claims": a string, because the official simulator fails on
// an object, that holds one with the single member userinfo.
func readClaims(object claims, identity bool) ([]string, error) {
	if object["claims"] == nil {
		return nil, firstBroken(rule{identity, "", "an identity request must ask for the core identity JWT"})
	}
	text, isText := object["claims"].(string)
	var parameter map[string]map[string]any
	err := json.Unmarshal([]byte(text), &parameter)
	userinfo, only := parameter["userinfo"], len(parameter) == 1
	asked := slices.Sorted(maps.Keys(userinfo))
	unregistered := slices.ContainsFunc(asked, func(claim string) bool { return claim != coreIdentityClaim && claim != returnCodeClaim })
	valued := slices.ContainsFunc(slices.Collect(maps.Values(userinfo)), func(value any) bool { return value != nil })
	return asked, firstBroken(
		rule{!isText, "", "claims must be a JSON string that holds the object"},
		rule{err != nil || !only || userinfo == nil, "invalid_request", "claims must be an object with the single member userinfo"},
		rule{unregistered, "invalid_request", "claims asks for one that is not registered for this client"},
		rule{valued, "", "every claim asked for must be null"},
		rule{!identity, "", "identity claims come only with an identity vector"},
		rule{!slices.Contains(asked, coreIdentityClaim), "", "an identity request must ask for the core identity JWT"},
	)
}

func (s *Server) client(id string) *Client {
	i := slices.IndexFunc(s.config.Clients, func(c Client) bool { return c.ID == id })
	if i < 0 {
		return nil
	}
	return &s.config.Clients[i]
}

// remaining is how long a token with this expiry could still be replayed.
func (s *Server) remaining(expires time.Time) time.Duration {
	return expires.Sub(s.config.Now()) + skew
}
