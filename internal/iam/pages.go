package iam

import "github.com/aws/aws-sdk-go-v2/aws"

// maxPages bounds a list: 100 entries a page are IAM's default, and an account has
// 5 000 users with eight devices each.
const maxPages = 500

// page is one page of a list.
type page[T any] struct {
	items  []T
	more   bool
	marker string // of the next page
}

// pages collects a list, page by page. What an incomplete list lacks could be taken
// for gone, so it is an error.
func pages[T any](read func(marker *string) (page[T], *try, error)) ([]T, error) {
	var all []T
	var marker *string
	for n := 1; ; n++ {
		got, t, err := read(marker)
		if err != nil {
			return nil, err
		}
		all = append(all, got.items...)
		switch {
		case !got.more:
			return all, nil
		case got.marker == "" || got.marker == aws.ToString(marker) || n == maxPages:
			return nil, t.useless("its list goes on without end")
		}
		marker = &got.marker
	}
}
