package caddymodule

import (
	"cmp"
	"context"
	"errors"
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/background"
	"github.com/caddy-teaching-record/caddy-teaching-record/internal/journey"
)

// namespace begins the names of our metrics, which are at Caddy's own /metrics.
const namespace = "teaching_record"

// registerCalls notes how long teachers wait for the Teaching Record System. The
// labels say which question and how it ended.
func registerCalls(metrics *prometheus.Registry) (func(endpoint, outcome string, took time.Duration), error) {
	seconds, err := registered(metrics, prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: namespace, Subsystem: "register", Name: "call_seconds",
		Help:    "Time a teacher waited for one call of the Teaching Record System, its retry included.",
		Buckets: []float64{.05, .1, .25, .5, 1, 2, 4, 9},
	}, []string{"endpoint", "outcome"}))
	if err != nil {
		return nil, err
	}
	return func(endpoint, outcome string, took time.Duration) {
		seconds.WithLabelValues(endpoint, outcome).Observe(took.Seconds())
	}, nil
}

// registerEvents counts what the Teaching Record System delivers by webhook.
// What is forged is of no kind: nothing in it is believed. What is replayed has its own.
func registerEvents(metrics *prometheus.Registry) (func(kind journey.EventKind, outcome string), error) {
	events, err := registered(metrics, prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: namespace, Subsystem: "register", Name: "events_total",
		Help: "Webhooks delivered for the Teaching Record System: taken, again (and done before), ignored, refused, unreadable or failed (and coming again).",
	}, []string{"kind", "outcome"}))
	if err != nil {
		return nil, err
	}
	return func(kind journey.EventKind, outcome string) {
		events.WithLabelValues(cmp.Or(string(kind), "none"), outcome).Inc()
	}, nil
}

// putAside tells how much background work of a service was put aside. It asks Redis
// each time, and is NaN when that does not answer.
func putAside(metrics *prometheus.Registry, host string, work *background.Background) error {
	_, err := registered(metrics, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: namespace, Subsystem: "background", Name: "aside",
		Help:        "Background work put aside for an operator, up to a thousand pieces: caddy teaching-record work.",
		ConstLabels: prometheus.Labels{"service": host},
	}, func() float64 {
		aside, err := work.Aside(context.Background())
		if err != nil {
			return math.NaN()
		}
		return float64(len(aside))
	}))
	return err
}

// registered is the metric, or the same one of another site of this configuration.
func registered[T prometheus.Collector](metrics *prometheus.Registry, metric T) (T, error) {
	err := metrics.Register(metric)
	if already := (prometheus.AlreadyRegisteredError{}); errors.As(err, &already) {
		return already.ExistingCollector.(T), nil
	}
	return metric, err
}
