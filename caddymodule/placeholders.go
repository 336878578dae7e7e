package caddymodule

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

var placeholder = regexp.MustCompile(`\{[^{}]*\}`)

// expand replaces the placeholders {env.NAME} and {file./path} in value, once:
// what comes out of them is not looked at again. Caddy's own expansion would
// turn what it does not know, an unset variable or an unreadable file into
// nothing, and nothing is how protection gets switched off.
func expand(repl *caddy.Replacer, value string) (string, error) {
	if strings.ContainsAny(placeholder.ReplaceAllLiteralString(value, ""), "{}") {
		return "", errors.New("has a brace without its partner; placeholders are written {env.NAME} or {file./path}")
	}
	var mistakes []error
	expanded := placeholder.ReplaceAllStringFunc(value, func(written string) string {
		text, err := look(repl, written)
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("%s %w", written, err))
		}
		return text
	})
	if len(mistakes) > 0 {
		return "", mistakes[0]
	}
	return strings.TrimSpace(expanded), nil
}

// look finds what stands behind one placeholder. Its errors follow the
// placeholder's name.
func look(repl *caddy.Replacer, written string) (string, error) {
	key := strings.Trim(written, "{}")
	if name, isFile := strings.CutPrefix(key, "file."); isFile {
		// Not by way of repl, which logs why a file cannot be read, but does
		// not say so here.
		content, err := os.ReadFile(name)
		if err != nil {
			return "", fmt.Errorf("cannot be read: %w", err)
		}
		text := strings.TrimSpace(string(content))
		if text == "" {
			return "", errors.New("is empty; write the value into that file")
		}
		return text, nil
	}
	if name, isEnv := strings.CutPrefix(key, "env."); isEnv {
		text, _ := repl.GetString(key)
		if text = strings.TrimSpace(text); text == "" {
			return "", fmt.Errorf("is empty; set the environment variable %s", name)
		}
		return text, nil
	}
	return "", errors.New("is not a placeholder here; write {env.NAME} or {file./path}")
}
