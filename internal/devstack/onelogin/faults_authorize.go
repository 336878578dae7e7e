package onelogin

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// authorizeFaults are the refusals of an authorisation request: those that come
// back with the browser, and pages that people cannot leave.
func authorizeFaults() []Fault {
	return at(AtAuthorize, eitherJourney, []Fault{
		{Name: "authorize-access-denied", Does: "One Login denies access: the evidence was too low, or it does not accept the request.", query: oauthError("access_denied", genericDenial)},
		{Name: "authorize-session-lost", Does: "One Login denies access because it lost the browser's session on the way.", query: oauthError("access_denied", sessionDenial)},
		{Name: "authorize-deactivated", Does: "One Login has switched this service off.", query: oauthError("unauthorized_client", "client deactivated")},
		{Name: "authorize-deprecated", Does: "One Login has switched this service off, in its other words.", query: oauthError("unauthorized_client", "client deprecated")},
		{Name: "authorize-unauthorized-client", Does: "One Login finds another client in the request object than in the query.", query: oauthError("unauthorized_client", "Invalid client_id or iss in request object")},
		{Name: "authorize-busy", Does: "One Login is overloaded, under maintenance, or cannot prove identities now.", query: oauthError("temporarily_unavailable", "The authorization server is temporarily unavailable")},
		{Name: "authorize-busy-silent", Does: "One Login is busy and does not describe it.", query: oauthError("temporarily_unavailable", "")},
		{Name: "authorize-login-required", Does: "One Login has signed the person out: they failed to sign in again.", query: oauthError("login_required", "Login required")},
		{Name: "authorize-invalid-request", Does: "One Login finds the request invalid.", query: oauthError("invalid_request", "Request vtr not valid")},
		{Name: "authorize-invalid-request-no-state", Does: "One Login cannot even read the request, so no state comes back.", query: func(query url.Values) {
			oauthError("invalid_request", "Invalid request")(query)
			query.Del("state")
		}},
		{Name: "authorize-invalid-scope", Does: "One Login does not know a scope.", query: oauthError("invalid_scope", "Invalid, unknown or malformed scope")},
		{Name: "authorize-unsupported-response-type", Does: "One Login does not know the response type.", query: oauthError("unsupported_response_type", "Unsupported response type")},
		{Name: "authorize-request-uri", Does: "One Login accepts no request_uri.", query: oauthError("request_uri_not_supported", "Request URI parameter not supported")},
		{Name: "authorize-unmet-requirements", Does: "One Login cannot authenticate as was asked.", query: oauthError("unmet_authentication_requirements", "Unable to meet the authentication requirements")},
		{Name: "authorize-server-error", Does: "One Login has a fault of its own.", query: oauthError("server_error", "Unexpected server error")},
		{Name: "authorize-unknown-error", Does: "One Login answers an error that is not in its documentation.", query: oauthError("solar_flare", "")},
		{Name: "authorize-no-description", Does: "The error comes without a description.", query: func(query url.Values) { query.Set("error", "invalid_request") }},
		{Name: "authorize-html-description", Does: "The description of the error is HTML.", query: oauthError("invalid_request", htmlDescription)},
		{Name: "authorize-long-description", Does: "The description of the error has 8,000 characters.", query: oauthError("invalid_request", string(slices.Repeat([]byte("x"), 8000)))},
		{Name: "authorize-page-400", Does: "One Login shows a page about an invalid request, and nobody comes back.", answer: errorPage(http.StatusBadRequest)},
		{Name: "authorize-page-403", Does: "The firewall in front of One Login shows a page, and nobody comes back.", answer: errorPage(http.StatusForbidden)},
		{Name: "authorize-page-500", Does: "One Login fails with a page, and nobody comes back.", answer: errorPage(http.StatusInternalServerError)},
		{Name: "authorize-page-502", Does: "One Login's gateway fails, and nobody comes back.", answer: status(http.StatusBadGateway)},
	})
}

const htmlDescription = `"><script>alert("from One Login")</script><h1>Pay here</h1>`

// codeFaults change what a code stands for before it is redeemed.
func codeFaults() []Fault {
	return at(AtCode, eitherJourney, []Fault{
		{Name: "code-old-session", Does: "The person signed in to One Login 50 minutes ago, for another service.", Tolerable: true, grant: func(_ *Server, g *grant) { g.authTime = g.authTime.Add(-50 * time.Minute) }},
		{Name: "code-other-challenge", Does: "The code is bound to another PKCE challenge: somebody else's code was slipped in.", grant: func(_ *Server, g *grant) { g.challenge = rand.Text() }},
		{Name: "code-other-client", Does: "The code was issued to another client.", grant: func(_ *Server, g *grant) { g.client = &Client{ID: "another"} }},
		{Name: "code-other-redirect", Does: "The code was issued for another redirect_uri.", grant: func(_ *Server, g *grant) { g.redirectURI += "/elsewhere" }},
		{Name: "code-other-nonce", Does: "The code answers another request: the nonce is that one's.", grant: func(_ *Server, g *grant) { g.nonce = rand.Text() }},
		{Name: "code-other-person", Does: "Somebody else proves their identity than signed in.", Journey: IdentityJourney, grant: func(s *Server, g *grant) {
			for _, person := range s.config.People {
				if person.Verified && person.Value != g.person.Value {
					g.person = person
					return
				}
			}
		}},
		{Name: "code-no-identity", Does: "The vector was lost on the way: the person signed in and proved nothing.", Journey: IdentityJourney, grant: func(_ *Server, g *grant) { g.identity, g.asked = false, nil }},
	})
}

// callbackFaults spoil the way back.
func callbackFaults() []Fault {
	return at(AtCallback, eitherJourney, []Fault{
		{Name: "callback-new-parameters", Does: "The callback has parameters that nobody knows yet.", Tolerable: true, query: func(query url.Values) { query.Set("session_state", "a.b") }},
		{Name: "callback-state-missing", Does: "The callback has no state.", query: func(query url.Values) { query.Del("state") }},
		{Name: "callback-state-wrong", Does: "The callback has a state that was never sent.", query: func(query url.Values) { query.Set("state", rand.Text()) }},
		{Name: "callback-state-long", Does: "The callback has a state of 4,000 characters.", query: func(query url.Values) { query.Set("state", string(slices.Repeat([]byte("s"), 4000))) }},
		{Name: "callback-state-twice", Does: "The callback has the right state twice.", query: func(query url.Values) { query.Add("state", query.Get("state")) }},
		{Name: "callback-code-missing", Does: "The callback has neither code nor error.", query: func(query url.Values) { query.Del("code") }},
		{Name: "callback-code-empty", Does: "The callback has an empty code.", query: func(query url.Values) { query.Set("code", "") }},
		{Name: "callback-code-twice", Does: "The callback has two codes.", query: func(query url.Values) { query.Add("code", rand.Text()) }},
		{Name: "callback-code-unknown", Does: "The callback has a code that One Login never issued.", query: func(query url.Values) { query.Set("code", rand.Text()) }},
		{Name: "callback-code-and-error", Does: "The callback has a code and an error.", query: func(query url.Values) { query.Set("error", "server_error") }},
		{Name: "callback-error-empty", Does: "The callback has an error without a name.", query: func(query url.Values) {
			query.Del("code")
			query.Set("error", "")
		}},
		{Name: "callback-error-twice", Does: "The callback has two errors.", query: func(query url.Values) {
			query.Del("code")
			query["error"] = []string{"access_denied", "server_error"}
		}},
		{Name: "callback-issuer-wrong", Does: "The callback names another issuer, as after a mix-up (RFC 9207).", query: func(query url.Values) { query.Set("iss", "https://oidc.evil.test/") }},
		{Name: "callback-twice", Does: "The browser opens the callback twice, and the first answer is lost.", before: openOnce},
	})
}

// openOnce opens an address as this browser would, and throws the answer away.
// The browser sends the site's cookies here too where only the port differs.
func openOnce(s *Server, r *http.Request, callback string) {
	request, err := http.NewRequestWithContext(r.Context(), http.MethodGet, callback, nil)
	if err != nil {
		return
	}
	for _, name := range []string{"Cookie", "Accept", "Sec-Fetch-Mode", "Sec-Fetch-Dest"} {
		request.Header[name] = r.Header[name]
	}
	client := *s.config.HTTP
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if response, err := client.Do(request); err == nil {
		response.Body.Close()
	}
}

// logoutFaults: One Login has ended its session, but nobody comes back as they
// should.
func logoutFaults() []Fault {
	back := func(change func(url.Values)) func(*Server, http.ResponseWriter, *http.Request) bool {
		return func(_ *Server, w http.ResponseWriter, r *http.Request) bool {
			query := url.Values{"state": {r.URL.Query().Get("state")}}
			change(query)
			http.Redirect(w, r, r.URL.Query().Get("post_logout_redirect_uri")+"?"+query.Encode(), http.StatusFound)
			return true
		}
	}
	return at(AtLogout, eitherJourney, []Fault{
		{Name: "logout-page-403", Does: "The firewall in front of One Login shows a page, and nobody comes back.", answer: errorPage(http.StatusForbidden)},
		{Name: "logout-page-500", Does: "One Login fails with a page, and nobody comes back.", answer: errorPage(http.StatusInternalServerError)},
		{Name: "logout-error-page", Does: "One Login does not accept the hint and ends on a page of its own.", answer: func(_ *Server, w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, "/?error_code=invalid_request&error_description=unable+to+validate+id_token_hint", http.StatusFound)
			return true
		}},
		{Name: "logout-state-missing", Does: "The browser comes back without state.", answer: back(func(query url.Values) { query.Del("state") })},
		{Name: "logout-state-wrong", Does: "The browser comes back with another state.", answer: back(func(query url.Values) { query.Set("state", rand.Text()) })},
	})
}
