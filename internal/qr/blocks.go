package qr

import "iter"

// order yields the block, and the index in it, of each codeword in the order in
// which a code has them: the first of each block, the second of each, and so on,
// with those for error correction behind all data. So damage to one place is
// shared by all blocks.
func (l layout) order() iter.Seq2[int, int] {
	longest := l.data(l.blocks - 1)
	return func(yield func(int, int) bool) {
		for i := range longest + l.check {
			for block := range l.blocks {
				data, at := l.data(block), i
				if i >= longest {
					at = i - longest + data
				} else if i >= data {
					continue
				}
				if !yield(block, at) {
					return
				}
			}
		}
	}
}

// protect adds error correction to data, which fills the capacity.
func (l layout) protect(data []byte) []byte {
	f := newField()
	blocks := make([][]byte, l.blocks)
	for i := range blocks {
		n := l.data(i)
		blocks[i] = append(data[:n:n], f.check(data[:n], l.check)...)
		data = data[n:]
	}
	list := make([]byte, 0, l.total)
	for block, i := range l.order() {
		list = append(list, blocks[block][i])
	}
	return list
}

// restore returns the data of a code, corrected, or false if it is too damaged.
func (l layout) restore(list []byte) ([]byte, bool) {
	blocks := make([][]byte, l.blocks)
	for i := range blocks {
		blocks[i] = make([]byte, l.data(i)+l.check)
	}
	next := 0
	for block, i := range l.order() {
		blocks[block][i] = list[next]
		next++
	}
	f := newField()
	data := make([]byte, 0, l.capacity())
	for i, block := range blocks {
		if !f.correct(block, l.check, l.correctable()) {
			return nil, false
		}
		data = append(data, block[:l.data(i)]...)
	}
	return data, true
}
