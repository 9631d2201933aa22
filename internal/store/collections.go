package store

import (
	"context"
	"fmt"
)

// Collection is a row of collections: accounts that somebody recommends.
type Collection struct {
	ID, Owner         int64
	Name, Description string
	Language          string // "" none said.
	Tag               string // As written, without #; "" none.
	Sensitive         bool
	Discoverable      bool // Shown to others than its owner in lists.
	Updated           int64
}

const collectionColumns = "c.id, c.owner, c.name, c.description, c.language, c.tag, c.sensitive, c.discoverable, c.updated"

func (c *Collection) scan() []any {
	return []any{&c.ID, &c.Owner, &c.Name, &c.Description, &c.Language, &c.Tag, &c.Sensitive, &c.Discoverable, &c.Updated}
}

// CollectionItem is an account in a collection.
type CollectionItem struct {
	ID, Collection, Target int64
	Revoked                bool // The account doesn't want to be in it.
}

func (i *CollectionItem) scan() []any { return []any{&i.ID, &i.Collection, &i.Target, &i.Revoked} }

// Collection returns a collection.
func (q *Q) Collection(ctx context.Context, id int64) (*Collection, error) {
	var c Collection
	err := q.row(ctx, "SELECT "+collectionColumns+" FROM collections c WHERE c.id = $1", id).Scan(c.scan()...)
	return &c, wrapped(err, "collection %d", id)
}

// Collections returns those of an account, the newest first; hidden ones too if all is
// set.
func (q *Q) Collections(ctx context.Context, owner int64, all bool, limit, offset int) ([]Collection, error) {
	text := "SELECT " + collectionColumns + " FROM collections c WHERE c.owner = $1"
	if !all {
		text += " AND c.discoverable"
	}
	rows, err := q.query(ctx, text+" ORDER BY c.id DESC LIMIT $2 OFFSET $3", owner, limit, offset)
	list, err := collect(rows, err, (*Collection).scan)
	return list, wrapped(err, "collections of %d", owner)
}

// CountCollections returns how many an account has.
func (q *Q) CountCollections(ctx context.Context, owner int64) (n int, err error) {
	err = q.row(ctx, "SELECT COUNT(*) FROM collections WHERE owner = $1", owner).Scan(&n)
	return n, wrapped(err, "collections of %d", owner)
}

// InCollections returns those that an account is in, the newest first, as far as
// viewer may know of them.
func (q *Q) InCollections(ctx context.Context, target, viewer int64, limit, offset int) ([]Collection, error) {
	rows, err := q.query(ctx, "SELECT "+collectionColumns+` FROM collection_items i JOIN collections c ON c.id = i.collection
		WHERE i.target = $1 AND NOT i.revoked AND (c.discoverable OR c.owner = $2 OR i.target = $2) ORDER BY i.collection DESC LIMIT $3 OFFSET $4`, target, viewer, limit, offset)
	list, err := collect(rows, err, (*Collection).scan)
	return list, wrapped(err, "collections with %d", target)
}

// CollectionItems returns who is in these collections, in the order in which they were
// added. Revoked ones are left out.
func (q *Q) CollectionItems(ctx context.Context, ids []int64) (map[int64][]CollectionItem, error) {
	found := map[int64][]CollectionItem{}
	for chunk := range chunks(ids) {
		list, args := in(1, chunk)
		rows, err := q.query(ctx, `SELECT i.id, i.collection, i.target, i.revoked FROM collection_items i JOIN actors a ON a.id = i.target
			WHERE i.collection IN (`+list+`) AND NOT i.revoked AND a.deleted = 0 AND a.suspended = 0 ORDER BY i.id`, args...)
		items, err := collect(rows, err, (*CollectionItem).scan)
		if err != nil {
			return nil, fmt.Errorf("items of collections: %w", err)
		}
		for _, i := range items {
			found[i.Collection] = append(found[i.Collection], i)
		}
	}
	return found, nil
}

// CollectionItem returns an item by its id in a collection.
func (q *Q) CollectionItem(ctx context.Context, collection, id int64) (*CollectionItem, error) {
	var i CollectionItem
	err := q.row(ctx, "SELECT id, collection, target, revoked FROM collection_items WHERE id = $1 AND collection = $2", id, collection).Scan(i.scan()...)
	return &i, wrapped(err, "item %d of collection %d", id, collection)
}

// FindCollectionItem returns an account's item, revoked or not.
func (q *Q) FindCollectionItem(ctx context.Context, collection, target int64) (*CollectionItem, error) {
	var i CollectionItem
	err := q.row(ctx, "SELECT id, collection, target, revoked FROM collection_items WHERE collection = $1 AND target = $2", collection, target).Scan(i.scan()...)
	return &i, wrapped(err, "%d in collection %d", target, collection)
}

// PutCollection adds a collection, or changes it.
func (tx *Tx) PutCollection(ctx context.Context, c *Collection) error {
	_, err := tx.exec(ctx, `INSERT INTO collections (id, owner, name, description, language, tag, sensitive, discoverable, updated) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, description = excluded.description, language = excluded.language, tag = excluded.tag,
			sensitive = excluded.sensitive, discoverable = excluded.discoverable, updated = excluded.updated`,
		c.ID, c.Owner, c.Name, c.Description, c.Language, c.Tag, c.Sensitive, c.Discoverable, c.Updated)
	return wrapped(err, "collection %d", c.ID)
}

// DropCollection removes a collection with its items.
func (tx *Tx) DropCollection(ctx context.Context, id int64) error {
	for _, text := range []string{"DELETE FROM collection_items WHERE collection = $1", "DELETE FROM collections WHERE id = $1"} {
		if _, err := tx.exec(ctx, text, id); err != nil {
			return fmt.Errorf("collection %d: %w", id, err)
		}
	}
	return nil
}

// AddToCollection adds an account that is not in it.
func (tx *Tx) AddToCollection(ctx context.Context, i CollectionItem) error {
	_, err := tx.exec(ctx, "INSERT INTO collection_items (id, collection, target, revoked) VALUES ($1, $2, $3, FALSE)", i.ID, i.Collection, i.Target)
	return wrapped(err, "%d in collection %d", i.Target, i.Collection)
}

// RemoveFromCollection drops an item; one that the account itself revokes stays, so
// that it is not added again.
func (tx *Tx) RemoveFromCollection(ctx context.Context, id int64, revoked bool) error {
	text := "DELETE FROM collection_items WHERE id = $1"
	if revoked {
		text = "UPDATE collection_items SET revoked = TRUE WHERE id = $1"
	}
	_, err := tx.exec(ctx, text, id)
	return wrapped(err, "item %d of a collection", id)
}
