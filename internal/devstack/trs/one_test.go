package trs_test

import (
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/trs"
)

// TestOne: the extra checks, and what became of a record.
func TestOne(t *testing.T) {
	a := newAsker(t, trs.Config{})
	for _, row := range []struct {
		why, path    string
		status, code int
		detail       string
	}{
		{"no check", "1000001", 200, 0, ""},
		{"the date of birth", "1000001?dateOfBirth=1985-04-12", 200, 0, ""},
		{"another date of birth", "1000001?dateOfBirth=1985-04-13", 404, 10001, "TRN: '1000001'\nDate of birth: '1985-04-13'"},
		{"the National Insurance number", "1000001?nationalInsuranceNumber=QQ123456C", 200, 0, ""},
		{"as people type it", "1000001?nationalInsuranceNumber=qq-12+34%C2%A056+c", 200, 0, ""},
		{"that of an employment", "1000001?nationalInsuranceNumber=QQ654321F", 200, 0, ""},
		{"another one", "1000001?nationalInsuranceNumber=QQ123456A", 404, 10001, "TRN: '1000001'\nNational Insurance number: 'QQ123456A'"},
		{"a dash that is none", "1000001?nationalInsuranceNumber=QQ%E2%80%93123456C", 404, 10001, "TRN: '1000001'\nNational Insurance number: 'QQ–123456C'"},
		{"a record without one", "1000002?nationalInsuranceNumber=QQ123456C", 404, 10001, "TRN: '1000002'\nNational Insurance number: 'QQ123456C'"},
		{"nobody", "9999999", 404, 10001, "TRN: '9999999'"},
		{"deactivated, before any check", "1000004?dateOfBirth=1901-01-01", 410, 10058, "TRN: '1000004'"},
		{"merged, nothing says into which", "1000005", 410, 10058, "TRN: '1000005'"},
		{"without a date of birth", "1000006", 500, 0, ""},
		{"without a date of birth, checked", "1000006?dateOfBirth=1985-04-12", 404, 10001, "TRN: '1000006'\nDate of birth: '1985-04-12'"},
	} {
		got := a.get("/v3/persons/" + row.path)
		code, _ := got.body["errorCode"].(float64)
		detail, _ := got.body["detail"].(string)
		if got.status != row.status || int(code) != row.code || detail != row.detail {
			t.Errorf("%s: %d %s", row.why, got.status, got.text)
		}
		if row.status > 400 && (got.header.Get("Content-Type") != "application/problem+json; charset=utf-8" || got.body["status"] != float64(row.status) || got.body["title"] == "") {
			t.Errorf("%s: %v %s", row.why, got.header, got.text)
		}
	}
	if violations := a.api.Record().Violations; len(violations) != 0 {
		t.Errorf("%+v", violations)
	}
}

// TestOneShape: the members that are always there, and every block.
func TestOneShape(t *testing.T) {
	a := newAsker(t, trs.Config{})
	always := []string{"dateOfBirth", "emailAddress", "eyts", "firstName", "lastName", "middleName", "nationalInsuranceNumber", "qtlsStatus", "qts", "trn"}
	for include, more := range map[string][]string{
		"":                             nil,
		"Induction":                    {"induction"},
		"RoutesToProfessionalStatuses": {"routesToProfessionalStatuses"},
		"MandatoryQualifications":      {"mandatoryQualifications"},
		"PendingDetailChanges":         {"pendingNameChange", "pendingDateOfBirthChange"},
		"Alerts":                       {"alerts"},
		"PreviousNames":                {"previousNames"},
		"alerts,PREVIOUSNAMES":         {"alerts", "previousNames"},
		"_AllowIdSignInWithProhibitions,Induction": {"induction"},
	} {
		got := a.get("/v3/persons/1000001?include=" + include)
		if diff := cmp.Diff(slices.Sorted(slices.Values(slices.Concat(always, more))), slices.Sorted(maps.Keys(got.body))); diff != "" {
			t.Errorf("%q: %s", include, diff)
		}
	}
	plain := a.get("/v3/persons/1000002?include=Induction,RoutesToProfessionalStatuses,MandatoryQualifications,PendingDetailChanges,Alerts,PreviousNames")
	want := object(t, `{"trn":"1000002","firstName":"Ann","middleName":"","lastName":"Lane","dateOfBirth":"1985-04-12","nationalInsuranceNumber":null,
		"emailAddress":null,"qts":null,"eyts":null,"qtlsStatus":"None","pendingNameChange":false,"pendingDateOfBirthChange":false,
		"induction":{"status":"None","startDate":null,"completedDate":null,"exemptionReasons":[]},
		"routesToProfessionalStatuses":[],"mandatoryQualifications":[],"alerts":[],"previousNames":[]}`)
	if diff := cmp.Diff(want, plain.body); diff != "" {
		t.Error(diff)
	}
	full := a.get("/v3/persons/1000001?include=Induction,Alerts,RoutesToProfessionalStatuses").body
	since := func(member string) any { return full[member].(map[string]any)["holdsFrom"] }
	induction := full["induction"].(map[string]any)
	if full["nationalInsuranceNumber"] != "QQ123456C" || full["emailAddress"] != "rosa@people.example" || since("qts") != "2009-07-31" || since("eyts") != "2011-01-01" ||
		induction["status"] != "Exempt" || len(induction["exemptionReasons"].([]any)) != 1 || len(full["alerts"].([]any)) != 1 || len(full["routesToProfessionalStatuses"].([]any)) != 2 {
		t.Errorf("%v", full)
	}
}

// TestOneRefused: what no client may ask.
func TestOneRefused(t *testing.T) {
	a := newAsker(t, trs.Config{})
	for _, row := range []struct {
		why, path, live string
		status          int
	}{
		{"both checks", "persons/1000001?dateOfBirth=1985-04-12&nationalInsuranceNumber=QQ123456C", "400", 400},
		{"no date", "persons/1000001?dateOfBirth=", "400", 400},
		{"a date of another form", "persons/1000001?dateOfBirth=12-04-1985", "400", 400},
		{"a check of nothing", "persons/1000001?nationalInsuranceNumber=-", "", 400},
		{"a block that is none", "persons/1000001?include=Alerts,Everything", "", 400},
		{"all blocks", "persons/1000001?include=All", "", 400},
		{"a block twice", "persons/1000001?include=Alerts,alerts", "", 400},
		{"another parameter", "persons/1000001?trn=1000001", "", 400},
		{"a TRN as people type it", "persons/10-00001", "404", 404},
		{"six digits", "persons/100001", "404", 404},
		{"digits of another script", "persons/100000%D9%A1", "404", 404},
		{"a TRN as people type it", "trns/RP1000001", "404", 404},
		{"a check where there is none", "trns/1000001?dateOfBirth=1985-04-12", "", 400},
	} {
		a.api.Reset()
		got := a.get("/v3/" + row.path)
		violations := a.api.Record().Violations
		if got.status != row.status || got.body["rule"] == nil || got.body["errorCode"] != nil || len(violations) != 1 || violations[0].Live != row.live {
			t.Errorf("%s: %d %s %+v", row.why, got.status, got.text, violations)
		}
	}
}

func TestLive(t *testing.T) {
	a := newAsker(t, trs.Config{})
	for trn, want := range map[string]struct{ status, code int }{"1000001": {204, 0}, "1000006": {204, 0}, "1000004": {410, 10058}, "1000005": {410, 10058}, "9999999": {404, 10001}} {
		got := a.get("/v3/trns/" + trn)
		if code, _ := got.body["errorCode"].(float64); got.status != want.status || int(code) != want.code || (got.status == http.StatusNoContent && got.text != "") {
			t.Errorf("%s: %d %s", trn, got.status, got.text)
		}
	}
}

// TestActions: merge, deactivate, reactivate, and what the API says of them.
func TestActions(t *testing.T) {
	a := newAsker(t, trs.Config{})
	for name, row := range map[string]struct{ got, want error }{
		"into itself":              {a.api.Merge("1000001", "1000001"), trs.ErrItself},
		"nobody":                   {a.api.Merge("9999999", "1000001"), trs.ErrNoRecord},
		"into nobody":              {a.api.Merge("1000001", "9999999"), trs.ErrNoRecord},
		"into one deactivated":     {a.api.Merge("1000001", "1000004"), trs.ErrNotActive},
		"one deactivated":          {a.api.Merge("1000004", "1000001"), trs.ErrNotActive},
		"deactivate nobody":        {a.api.Deactivate("9999999"), trs.ErrNoRecord},
		"deactivate again":         {a.api.Deactivate("1000004"), trs.ErrNotActive},
		"reactivate nobody":        {a.api.Reactivate("9999999"), trs.ErrNoRecord},
		"merge":                    {a.api.Merge("1000001", "1000002"), nil},
		"merge the retained":       {a.api.Merge("1000002", "1000003"), nil},
		"deactivate":               {a.api.Deactivate("1000000"), nil},
		"merge one that is merged": {a.api.Merge("1000001", "1000003"), trs.ErrNotActive},
	} {
		if row.got != row.want {
			t.Errorf("%s: %v", name, row.got)
		}
	}
	location := func(path string) string {
		got := a.get(path)
		if got.status != http.StatusPermanentRedirect || got.text != "" {
			t.Errorf("%s: %d %s", path, got.status, got.text)
		}
		return got.header.Get("Location")
	}
	got := []string{location("/v3/persons/1000001?dateOfBirth=1901-01-01&include=Alerts"), location("/v3/trns/1000001"), location("/v3/persons/1000002")}
	if diff := cmp.Diff([]string{"/v3/persons/1000002", "/v3/trns/1000002", "/v3/persons/1000003"}, got); diff != "" {
		t.Error(diff)
	}
	if got := a.get("/v3/trns/1000000"); got.status != http.StatusGone {
		t.Errorf("deactivated: %d", got.status)
	}
	if got := trnsOf(a.get(findPath("Lane", "1985-04-12"))); len(got) != 0 {
		t.Errorf("found: %v", got)
	}
	want := trs.Listed{TRN: "1000001", FirstName: "Rosa", LastName: "Carter-Lane", BirthDate: "1985-04-12", Status: trs.Merged, Retained: "1000002", Alert: true}
	if records := a.api.Records(); len(records) != 7 || records[1] != want {
		t.Errorf("%+v", records)
	}
	for _, trn := range []string{"1000000", "1000001"} {
		if err := a.api.Reactivate(trn); err != nil || a.get("/v3/trns/"+trn).status != http.StatusNoContent {
			t.Errorf("%s is not back: %v", trn, err)
		}
	}
}
