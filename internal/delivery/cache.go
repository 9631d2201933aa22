package delivery

import (
	"container/list"
	"sync"
)

// cache keeps the values last used, up to a total cost. The zero value with max
// set is ready. What several ask for at once is made once.
type cache[K comparable, V any] struct {
	max  int         // Total cost.
	cost func(V) int // nil: each costs 1.

	mu      sync.Mutex
	entries map[K]*list.Element
	order   list.List // Of *entry[K, V], the last used in front.
	total   int
}

type entry[K comparable, V any] struct {
	key  K
	make func() (V, error)
	cost int
}

// get returns the value of key, made when it is not there. Errors are not kept.
func (c *cache[K, V]) get(key K, make func() (V, error)) (V, error) {
	c.mu.Lock()
	el := c.entries[key]
	if el == nil {
		if c.entries == nil {
			c.entries = map[K]*list.Element{}
		}
		el = c.order.PushFront(&entry[K, V]{key: key, make: sync.OnceValues(make)})
		c.entries[key] = el
	} else {
		c.order.MoveToFront(el)
	}
	e := el.Value.(*entry[K, V])
	c.mu.Unlock()

	v, err := e.make()

	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries[key] != el {
		return v, err // Dropped meanwhile.
	}
	if err != nil {
		c.remove(el)
		return v, err
	}
	if e.cost == 0 {
		e.cost = 1
		if c.cost != nil {
			e.cost = c.cost(v)
		}
		c.total += e.cost
	}
	for c.total > c.max && c.order.Len() > 1 {
		c.remove(c.order.Back())
	}
	return v, nil
}

// drop forgets the value of key.
func (c *cache[K, V]) drop(key K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if el := c.entries[key]; el != nil {
		c.remove(el)
	}
}

// remove forgets an element; mu is held.
func (c *cache[K, V]) remove(el *list.Element) {
	e := el.Value.(*entry[K, V])
	c.order.Remove(el)
	delete(c.entries, e.key)
	c.total -= e.cost
}
