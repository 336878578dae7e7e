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
		return "", errors.New("has a brace without its partner; placeholders are {env.NAME} and {file./path}")
	}
	var mistakes []error
	expanded := placeholder.ReplaceAllStringFunc(value, func(written string) string {
		key := strings.Trim(written, "{}")
		name, isEnv := strings.CutPrefix(key, "env.")
		file, isFile := strings.CutPrefix(key, "file.")
		if !isEnv && !isFile {
			mistakes = append(mistakes, fmt.Errorf("%s is not expanded here; only {env.NAME} and {file./path} are", written))
			return ""
		}
		text, _ := repl.GetString(key)
		text = strings.TrimSpace(text)
		switch {
		case text != "":
		case isEnv:
			mistakes = append(mistakes, fmt.Errorf("%s is empty; set the environment variable %s", written, name))
		default:
			mistakes = append(mistakes, emptyFile(written, file))
		}
		return text
	})
	if len(mistakes) > 0 {
		return "", mistakes[0]
	}
	return strings.TrimSpace(expanded), nil
}

// emptyFile says why nothing came out of a file.
func emptyFile(written, name string) error {
	var cause *os.PathError
	if _, err := os.ReadFile(name); errors.As(err, &cause) {
		return fmt.Errorf("%s cannot be read: %w", written, cause.Err)
	}
	return fmt.Errorf("%s is empty; write the value into that file", written)
}
