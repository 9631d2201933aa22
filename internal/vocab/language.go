package vocab

import "strings"

// LanguageCode tells whether a text has the form of a language code.
func LanguageCode(code string) bool {
	main, _, _ := strings.Cut(code, "-")
	return len(code) <= 20 && (len(main) == 2 || len(main) == 3) && strings.Trim(main, "abcdefghijklmnopqrstuvwxyz") == "" &&
		strings.Trim(code, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == ""
}
