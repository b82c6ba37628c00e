package main

import (
	"fmt"
	"io"
	"os"
	"sort"
	"strings"
	"time"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"
)

// addFlags gives a command one flag for each setting, and --config.
func addFlags(fs *pflag.FlagSet) {
	fs.String("config", "", "file with settings (YAML)")
	for _, s := range settings() {
		usage := s.help
		if s.value != "" {
			usage += fmt.Sprintf(" (default %q)", s.value)
		}
		fs.String(s.flag(), "", usage+"  ["+s.env()+"]")
	}
	// --dns.resolvers is the same flag as --dns-resolvers.
	fs.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		return pflag.NormalizedName(strings.NewReplacer(".", "-", "_", "-").Replace(name))
	})
}

// load reads the settings: flag over environment over file over default.
// defaults replaces the table's defaults for a command such as sandbox.
func load(fs *pflag.FlagSet, defaults map[string]string, warn io.Writer) (*config, error) {
	table := settings()
	known := map[string]setting{}
	byEnv := map[string]string{}
	values := map[string]string{}
	from := map[string]string{}
	for _, s := range table {
		known[s.key] = s
		byEnv[s.env()] = s.key
		values[s.key] = s.value
		if v, ok := defaults[s.key]; ok {
			values[s.key] = v
		}
		from[s.key] = "default"
	}

	if path, _ := fs.GetString("config"); path != "" {
		k := koanf.New(".")
		if err := k.Load(file.Provider(path), yaml.Parser()); err != nil {
			return nil, fmt.Errorf("config %s: %w", path, err)
		}
		keys := k.Keys()
		sort.Strings(keys)
		for _, key := range keys {
			if _, ok := known[key]; !ok {
				return nil, badSetting{key: key, from: "config " + path}
			}
			values[key], from[key] = text(k, key), "config "+path
		}
	}

	var strangers []string
	k := koanf.New("\x00")
	err := k.Load(env.Provider("\x00", env.Opt{Prefix: "DEED_", TransformFunc: func(name, v string) (string, any) {
		key, ok := byEnv[name]
		if !ok {
			strangers = append(strangers, name)
			return "", nil
		}
		values[key], from[key] = v, "environment "+name
		return "", nil
	}}), nil)
	if err != nil {
		return nil, fmt.Errorf("environment: %w", err)
	}
	// Not an error as in a file: an orchestrator injects variables named after
	// the service, such as DEED_PORT.
	sort.Strings(strangers)
	for _, name := range strangers {
		fmt.Fprintf(warn, "deed: ignoring environment variable %s: there is no such setting\n", name)
	}

	for _, s := range table {
		if f := fs.Lookup(s.flag()); f != nil && f.Changed {
			values[s.key], from[s.key] = f.Value.String(), "flag --"+s.flag()
		}
	}

	c := &config{}
	for _, s := range table {
		if !s.parse(c, values[s.key]) {
			shown := values[s.key]
			if s.key == "smtp.password" {
				shown = "(hidden)"
			}
			return nil, badSetting{s.key, shown, s.accept, from[s.key]}
		}
	}
	c.MetricsGiven = from["metrics.listen"] != "default"
	if c.LogFormat == "" {
		c.LogFormat = "json"
		if terminal(os.Stderr) {
			c.LogFormat = "text"
		}
	}
	return c, c.check()
}

// text gives a file's value as it would be typed: lists joined by commas.
func text(k *koanf.Koanf, key string) string {
	if list, ok := k.Get(key).([]any); ok {
		parts := make([]string, len(list))
		for i, v := range list {
			parts[i] = fmt.Sprint(v)
		}
		return strings.Join(parts, ",")
	}
	switch v := k.Get(key).(type) {
	case nil:
		return ""
	case time.Time: // YAML reads a bare 2028-03-15 as a time
		return v.Format(time.DateOnly)
	default:
		return fmt.Sprint(v)
	}
}

// terminal reports whether a person is likely to read f.
func terminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
