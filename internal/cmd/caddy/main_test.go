package main

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-teaching-record/caddy-teaching-record/internal/devstack"
)

const (
	module  = "github.com/caddy-teaching-record/caddy-teaching-record"
	top     = "../../.."
	example = top + "/Caddyfile.example"
)

// TestMain lets the binary of the test be Caddy, for tests that need a process.
func TestMain(m *testing.M) {
	if os.Getenv("TEST_BE_CADDY") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// runCaddy runs a command of Caddy with nothing in its environment but env.
func runCaddy(t *testing.T, env map[string]string, args ...string) (exitCode int, output string) {
	t.Helper()
	caddy := exec.Command(os.Args[0], args...)
	caddy.Env = []string{"TEST_BE_CADDY=yes", "HOME=" + t.TempDir()}
	for name, value := range env {
		caddy.Env = append(caddy.Env, name+"="+value)
	}
	out, err := caddy.CombinedOutput()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatal(err)
	}
	return caddy.ProcessState.ExitCode(), string(out)
}

// TestExample: the example is valid with the variables it names, also with what it
// has as a comment of Find a lost TRN, and says which one is empty or missing when
// one is.
func TestExample(t *testing.T) {
	text, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	if formatted := caddyfile.Format(text); !bytes.Equal(formatted, text) {
		t.Errorf("caddy fmt would write it otherwise:\n%s", formatted)
	}
	// NAME itself stands in the comments, for any name.
	names := map[string]bool{}
	for _, found := range regexp.MustCompile(`\{(?:\$|env\.)([A-Z_]+)\}`).FindAllStringSubmatch(string(text), -1) {
		names[found[1]] = found[1] != "NAME"
	}
	stand := devstack.Config{Site: "http://localhost:8080", OneLogin: "http://localhost:8082", Notify: "http://localhost:8084", Zendesk: "http://localhost:8085", Find: "http://localhost:8086", ClientID: "test"}
	env, err := devstack.Environment(stand, t.TempDir(), "localhost:8083", "embedded")
	if err != nil {
		t.Fatal(err)
	}
	if code, out := runCaddy(t, env, "validate", "--config", example); code != 0 || !strings.Contains(out, "Valid configuration") {
		t.Fatalf("exit code %d\n%s", code, out)
	}
	finding, err := devstack.Finding(string(text))
	if err != nil {
		t.Fatal(err)
	}
	example := filepath.Join(t.TempDir(), "Caddyfile")
	if err := os.WriteFile(example, []byte(finding), 0o600); err != nil {
		t.Fatal(err)
	}
	if formatted := caddyfile.Format([]byte(finding)); string(formatted) != finding {
		t.Errorf("caddy fmt would write what is a comment otherwise:\n%s", formatted)
	}
	if code, out := runCaddy(t, env, "validate", "--config", example, "--adapter", "caddyfile"); code != 0 || !strings.Contains(out, "Valid configuration") {
		t.Fatalf("exit code %d\n%s", code, out)
	}
	secrets := strings.Fields(env["ONE_LOGIN_PRIVATE_KEY"] + " " + env["ASSERTION_PRIVATE_KEY"] + " " + env["TEACHING_RECORD_SECRET"] + " " + env["FIND_SHARED_KEY"] + " " + env["FIND_API_KEY"])
	secrets = slices.DeleteFunc(secrets, func(line string) bool { return len(line) < 16 })
	for name, ours := range names {
		if _, given := env[name]; ours && !given {
			t.Errorf("nobody gives %s a value", name)
		}
	}
	for name := range env {
		if !names[name] {
			t.Errorf("%s is given a value, but the example has no use for it", name)
			continue
		}
		for _, change := range []func(map[string]string){
			func(env map[string]string) { env[name] = "" },
			func(env map[string]string) { env[name] = " " },
			func(env map[string]string) { delete(env, name) },
		} {
			env := maps.Clone(env)
			change(env)
			code, out := runCaddy(t, env, "validate", "--config", example, "--adapter", "caddyfile")
			sentence := regexp.MustCompile(`(?m)^.*"level":"error".*$|^Error: .*$`).FindAllString(out, -1)
			if code != 1 || len(sentence) != 1 || !regexp.MustCompile(`environment variable `+name+`\b`).MatchString(sentence[0]) || strings.Contains(sentence[0], `\n`) {
				t.Errorf("%s is %q: exit code %d, and this is not one sentence about it:\n%s", name, env[name], code, out)
			}
			for _, secret := range secrets {
				if strings.Contains(out, secret) {
					t.Errorf("%s is empty, and a secret is shown:\n%s", name, out)
				}
			}
		}
	}
}

// TestXcaddy builds Caddy with this module from outside of it, as xcaddy does:
// a module of its own that requires ours and lists nothing else.
func TestXcaddy(t *testing.T) {
	here, err := filepath.Abs(top)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	sums, err := os.ReadFile(filepath.Join(here, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	// What Caddy is made of stands in our go.sum; nothing else is downloaded.
	for name, content := range map[string]string{
		"go.mod":  "module caddy\n\ngo 1.26.0\n\nrequire " + module + " v0.0.0\n\nreplace " + module + " => " + here + "\n",
		"go.sum":  string(sums),
		"main.go": strings.Replace(generated, "MODULE", module, 1),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.Command("go", "build", "-mod=mod", "-o", "caddy", ".")
	build.Dir = dir
	build.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	list := exec.Command(filepath.Join(dir, "caddy"), "list-modules", "--skip-standard", "--packages")
	out, err := list.CombinedOutput()
	if want := "http.handlers.teaching_record " + module + " => " + here + "\n"; err != nil || !strings.Contains(string(out), want) {
		t.Errorf("no %s: %v\n%s", want, err, out)
	}
}

// generated is what xcaddy build --with MODULE generates.
const generated = `package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	_ "MODULE"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
)

func main() { caddycmd.Main() }
`
