package caddymodule

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// registerCalls notes how long teachers wait for the Teaching Record System, at
// Caddy's own /metrics. The labels say which question and how it ended.
func registerCalls(metrics *prometheus.Registry) (func(endpoint, outcome string, took time.Duration), error) {
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: "teaching_record", Subsystem: "register", Name: "call_seconds",
		Help:    "Time a teacher waited for one call of the Teaching Record System, its retry included.",
		Buckets: []float64{.05, .1, .25, .5, 1, 2, 4, 9},
	}, []string{"endpoint", "outcome"})
	if err := metrics.Register(seconds); err != nil {
		// Another site of this configuration has it already.
		already := prometheus.AlreadyRegisteredError{}
		if !errors.As(err, &already) {
			return nil, err
		}
		seconds = already.ExistingCollector.(*prometheus.HistogramVec)
	}
	return func(endpoint, outcome string, took time.Duration) {
		seconds.WithLabelValues(endpoint, outcome).Observe(took.Seconds())
	}, nil
}
