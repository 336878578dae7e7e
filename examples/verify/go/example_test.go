package verify_test

import (
	"crypto/ecdsa"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	verify "github.com/caddy-teaching-record/caddy-teaching-record/examples/verify/go"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/assertion"
)

// A whole service: it greets the teacher whom the module has signed in.
func Example() {
	site := startSite() // the module, before https://teaching.example.gov.uk

	v, err := verify.New(verify.Config{
		Issuer: "https://teaching.example.gov.uk", Audience: "access-your-teaching-qualifications",
		JWKSURL: site.URL + "/teaching-record/jwks.json",
	})
	if err != nil {
		panic(err)
	}
	service := v.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "Your TRN is %s.", verify.FromContext(r.Context()).TRN)
	}))

	fmt.Println(ask(service, site.stamped("GET", "/records")))
	fmt.Println(ask(service, httptest.NewRequest("GET", "/records", nil)))
	// Output:
	// 200 Your TRN is 1234567.
	// 401 {"detail":"there must be exactly one assertion","status":401,"title":"Unauthorized"}
}

// moduleSite is the module's part: it publishes keys and stamps requests.
type moduleSite struct {
	*httptest.Server
	signer *assertion.Signer
}

func startSite() moduleSite {
	signer, err := assertion.New(assertion.Config{
		ServiceURL: issuer, Audience: audience, Keys: []*ecdsa.PrivateKey{published},
	})
	if err != nil {
		panic(err)
	}
	return moduleSite{httptest.NewServer(http.HandlerFunc(signer.ServeKeys)), signer}
}

func (s moduleSite) stamped(method, path string) *http.Request {
	r := httptest.NewRequest(method, path, nil)
	err := s.signer.Stamp(r, assertion.Claims{Visit: "v", Subject: "urn:fdc:gov.uk:2022:abc", Match: assertion.Found, TRN: "1234567"}, "id")
	if err != nil {
		panic(err)
	}
	return r
}

func ask(service http.Handler, r *http.Request) string {
	w := httptest.NewRecorder()
	service.ServeHTTP(w, r)
	body, _ := io.ReadAll(w.Body)
	return fmt.Sprintf("%d %s", w.Code, body)
}
