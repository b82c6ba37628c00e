package sqlite

import "deed/store"

const orderColumns = "id, account_id, organization_id, product, common_name, method, status, created, details, version, value_per_domain"

func (r reader) manyOrders(rest string, args ...any) (list []store.Order, err error) {
	err = r.s.rows("SELECT "+orderColumns+" FROM orders WHERE "+rest, args, func(scan func(...any) error) error {
		var o store.Order
		err := scan(&o.ID, &o.AccountID, &o.OrganizationID, &o.Product, name{&o.CommonName}, &o.Method, &o.Status, at{&o.Created}, &o.Details, &o.Version, &o.PerDomain)
		list = append(list, o)
		return err
	})
	for i := range list {
		if err != nil {
			break
		}
		o := &list[i]
		err = r.s.rows("SELECT name, domain_id FROM order_names WHERE order_id = ? ORDER BY position", []any{o.ID}, func(scan func(...any) error) error {
			var n store.OrderName
			err := scan(name{&n.Name}, &n.DomainID)
			o.Names = append(o.Names, n)
			return err
		})
	}
	return list, err
}

func (r reader) Order(account, id int64) (o store.Order, err error) {
	list, err := r.manyOrders("id = ? AND account_id = ?", id, account)
	if err == nil && len(list) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return o, err
	}
	return list[0], nil
}

func (r reader) Orders(account int64, page store.Page) (list []store.Order, total int, err error) {
	if err = r.s.row("SELECT count(*) FROM orders WHERE account_id = ?", []any{account}, &total); err != nil {
		return nil, 0, err
	}
	list, err = r.manyOrders("account_id = ? ORDER BY id DESC LIMIT ? OFFSET ?", account, page.Limit, page.Offset)
	return list, total, err
}

func (r reader) OrdersOfDomain(account, domain int64, limit int) ([]store.Order, error) {
	return r.manyOrders("id IN (SELECT order_id FROM order_names WHERE domain_id = ?) AND account_id = ? ORDER BY id DESC LIMIT ?", domain, account, limit)
}

func (t tx) InsertOrder(o store.Order) (int64, error) {
	id, err := t.s.insert("INSERT INTO orders (account_id, organization_id, product, common_name, method, status, created, details, value_per_domain, version) VALUES (?,?,?,?,?,?,?,?,?,1)",
		o.AccountID, o.OrganizationID, o.Product, o.CommonName.String(), string(o.Method), o.Status, micros(o.Created), o.Details, o.PerDomain)
	if err != nil {
		return 0, err
	}
	for i, n := range o.Names {
		if err := t.s.exec("INSERT INTO order_names (order_id, position, name, domain_id) VALUES (?,?,?,?)", id, i, n.Name.String(), n.DomainID); err != nil {
			return 0, err
		}
	}
	return id, nil
}

func (t tx) UpdateOrder(o store.Order) error {
	return t.s.change("UPDATE orders SET method = ?, status = ?, organization_id = ?, details = ?, version = version + 1 WHERE id = ? AND account_id = ? AND version = ?",
		string(o.Method), o.Status, o.OrganizationID, o.Details, o.ID, o.AccountID, o.Version)
}
