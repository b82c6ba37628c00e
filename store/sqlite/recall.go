package sqlite

import (
	"strings"

	"deed/store"
)

func (r reader) ValuesByToken(tokens []string) (list []store.Value, err error) {
	if len(tokens) == 0 {
		return nil, nil
	}
	tokens = tokens[:min(len(tokens), 32)]
	args := make([]any, len(tokens))
	for i, t := range tokens {
		args[i] = t
	}
	err = r.s.rows("SELECT "+valueColumns+" FROM random_values WHERE token IN (?"+strings.Repeat(",?", len(tokens)-1)+") ORDER BY id LIMIT 64", args, func(scan func(...any) error) error {
		var v store.Value
		err := scan(valueInto(&v)...)
		list = append(list, v)
		return err
	})
	return list, err
}
