package media

import (
	"bytes"
	"encoding/binary"
	"io"
)

// maxExif is how much of a metadata block is read; the orientation is among the
// first entries.
const maxExif = 64 << 10

// orientation returns how a picture was held, 1 to 8 as Exif counts; 1 is upright
// and the answer whenever nothing better is known. r is left anywhere.
func orientation(r source, contentType string) int {
	var block []byte
	switch contentType {
	case "image/jpeg":
		block = jpegExif(r)
	case "image/png":
		block = chunkNamed(r, 8, "eXIf", true, maxExif)
	case "image/webp":
		block = chunkNamed(r, 12, "EXIF", false, maxExif)
	case "image/avif":
		return avifOrientation(r)
	}
	return tiffOrientation(bytes.TrimPrefix(block, exifMark))
}

var exifMark = []byte("Exif\x00\x00")

// jpegExif returns the Exif block of a JPEG, nil if there is none before the picture.
func jpegExif(r io.ReadSeeker) []byte {
	var head [4]byte
	if _, err := r.Seek(2, io.SeekStart); err != nil {
		return nil
	}
	for range 64 {
		if _, err := io.ReadFull(r, head[:]); err != nil || head[0] != 0xff || head[1] == 0xda {
			return nil
		}
		size := int64(binary.BigEndian.Uint16(head[2:])) - 2
		if head[1] == 0xe1 && size > int64(len(exifMark)) {
			block := make([]byte, size)
			if _, err := io.ReadFull(r, block); err != nil {
				return nil
			}
			if bytes.HasPrefix(block, exifMark) {
				return block
			}
			continue
		}
		if size < 0 {
			return nil
		}
		if _, err := r.Seek(size, io.SeekCurrent); err != nil {
			return nil
		}
	}
	return nil
}

// chunkNamed returns the chunk called name of a file that is a header and chunks:
// PNG (length first, big-endian, a checksum behind) or RIFF.
func chunkNamed(r io.ReadSeeker, header int64, name string, png bool, most int64) []byte {
	var head [8]byte
	if _, err := r.Seek(header, io.SeekStart); err != nil {
		return nil
	}
	for range 10_000 {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return nil
		}
		found, size := string(head[:4]), int64(binary.LittleEndian.Uint32(head[4:]))
		skip := size + size&1
		if png {
			found, size = string(head[4:]), int64(binary.BigEndian.Uint32(head[:4]))
			skip = size + 4
		}
		if found == name {
			block, err := io.ReadAll(io.LimitReader(r, min(size, most)))
			if err != nil {
				return nil
			}
			return block
		}
		if _, err := r.Seek(skip, io.SeekCurrent); err != nil {
			return nil
		}
	}
	return nil
}

// tiffOrientation finds tag 0x0112 in the first directory of a TIFF block.
//
// spec: exif#4.6.4
func tiffOrientation(b []byte) int {
	const upright = 1
	if len(b) < 8 {
		return upright
	}
	var order binary.ByteOrder
	switch string(b[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return upright
	}
	at := int64(order.Uint32(b[4:]))
	if at+2 > int64(len(b)) {
		return upright
	}
	entries := b[at+2:]
	for range order.Uint16(b[at:]) {
		if len(entries) < 12 {
			return upright
		}
		if order.Uint16(entries) == 0x0112 {
			if v := int(order.Uint16(entries[8:])); v >= 1 && v <= 8 {
				return v
			}
			return upright
		}
		entries = entries[12:]
	}
	return upright
}
