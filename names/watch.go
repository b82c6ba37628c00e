package names

import (
	"fmt"
	"os"
	"time"
)

// File is a public suffix list in a file that may be replaced while others
// use the names: the list in use is that of its last good content.
type File struct {
	names *Names
	path  string
	seen  stamp
}

// stamp tells one content of the file from the next.
type stamp struct {
	modified time.Time
	size     int64
}

// NewFile takes the list from a file. Not safe for concurrent use; the Names
// are.
func (n *Names) NewFile(path string) (*File, error) {
	f := &File{names: n, path: path}
	_, err := f.Refresh(true)
	return f, err
}

// Refresh takes the list again if the file changed since it was looked at, or
// always with force, and reports whether it did. A file that cannot be used is
// an error, said once for each content; the list in use stays.
func (f *File) Refresh(force bool) (bool, error) {
	info, err := os.Stat(f.path)
	if err != nil {
		return false, fmt.Errorf("names: %w", err)
	}
	now := stamp{info.ModTime(), info.Size()}
	if now == f.seen && !force {
		return false, nil
	}
	f.seen = now
	return true, f.names.Reload(f.path)
}

// Age is how old the list in use is at an instant.
func (n *Names) Age(now time.Time) time.Duration { return now.Sub(n.ListDate()) }
