package devstack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack/console"
)

// operators decide on requests for a TRN that the module itself keeps, as those of
// a service do: by the admin endpoint of its Caddy, at host and port.
type operators struct{ admin string }

// Pending are the requests that are not decided.
func (o operators) Pending(ctx context.Context) (all []console.Request, err error) {
	var listed []struct {
		ID, Name, BirthDate string
		Maybe               []struct{ TRN string }
	}
	if err := o.ask(ctx, http.MethodGet, "requests", nil, &listed); err != nil {
		return nil, err
	}
	for _, r := range listed {
		request := console.Request{ID: r.ID, Name: r.Name, BirthDate: r.BirthDate}
		for _, maybe := range r.Maybe {
			request.Maybe = append(request.Maybe, maybe.TRN)
		}
		all = append(all, request)
	}
	return all, nil
}

// Resolve answers a request with the record of a TRN, or, when that is "", with a
// new one.
func (o operators) Resolve(ctx context.Context, id, trn string) error {
	return o.ask(ctx, http.MethodPost, "requests/resolve", map[string]string{"by": "console", "id": id, "trn": trn}, nil)
}

// Reject answers a request with no record.
func (o operators) Reject(ctx context.Context, id string) error {
	return o.ask(ctx, http.MethodPost, "requests/reject", map[string]string{"by": "console", "id": id}, nil)
}

// ask asks the admin endpoint and reads its answer into a value, if there is one.
func (o operators) ask(ctx context.Context, method, path string, words map[string]string, into any) error {
	var body io.Reader = http.NoBody
	if words != nil {
		text, err := json.Marshal(words)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+o.admin+"/teaching-record/"+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		var problem struct{ Detail string }
		if err := json.NewDecoder(resp.Body).Decode(&problem); err != nil || problem.Detail == "" {
			return fmt.Errorf("the admin endpoint answers %s", resp.Status)
		}
		return errors.New(problem.Detail)
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(into)
}
