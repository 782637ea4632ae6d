package awswire

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"time"

	smithytime "github.com/aws/smithy-go/time"

	"github.com/cognito-broker/broker/internal/cognito"
)

// decode fills a structure of the SDK from a tree, by exact member names.
// Members that the structure does not have are ignored. A tree that passed
// cognito.Validate always fits; one that does not fails with
// SerializationException.
func decode(into any, tree map[string]any) error {
	return decodeStruct(reflect.ValueOf(into).Elem(), tree)
}

func decodeStruct(v reflect.Value, tree map[string]any) error {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		x, ok := tree[f.Name]
		if !ok || x == nil || !IsMember(f) {
			continue
		}
		if err := decodeValue(v.Field(i), f.Name, x); err != nil {
			return err
		}
	}
	return nil
}

// IsMember reports whether a field of a structure of the SDK is a member of the model;
// the SDK adds fields of its own.
func IsMember(f reflect.StructField) bool {
	return f.IsExported() && f.Name != "ResultMetadata"
}

func decodeValue(v reflect.Value, name string, x any) error {
	ok := false
	switch {
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return decodeValue(v.Elem(), name, x)
	case v.Type() == reflect.TypeFor[time.Time]():
		ok = setTime(v, x)
	case v.Kind() == reflect.Struct:
		if tree, is := x.(map[string]any); is {
			return decodeStruct(v, tree)
		}
	case v.Kind() == reflect.Map:
		if tree, is := x.(map[string]any); is {
			return decodeMap(v, name, tree)
		}
	case v.Kind() == reflect.Slice:
		if list, is := x.([]any); is {
			return decodeSlice(v, name, list)
		}
	default:
		ok = setScalar(v, x)
	}
	if !ok {
		return misfit(name)
	}
	return nil
}

func setScalar(v reflect.Value, x any) bool {
	switch x := x.(type) {
	case string:
		if v.Kind() == reflect.String {
			v.SetString(x)
			return true
		}
	case bool:
		if v.Kind() == reflect.Bool {
			v.SetBool(x)
			return true
		}
	case json.Number:
		if v.CanInt() {
			n, err := strconv.ParseInt(x.String(), 10, v.Type().Bits())
			if err == nil {
				v.SetInt(n)
			}
			return err == nil
		}
	}
	return false
}

func setTime(v reflect.Value, x any) bool {
	n, ok := x.(json.Number)
	if !ok {
		return false
	}
	seconds, err := n.Float64()
	if err != nil {
		return false
	}
	v.Set(reflect.ValueOf(smithytime.ParseEpochSeconds(seconds)))
	return true
}

func decodeMap(v reflect.Value, name string, tree map[string]any) error {
	if v.Type().Key().Kind() != reflect.String {
		return misfit(name)
	}
	v.Set(reflect.MakeMapWithSize(v.Type(), len(tree)))
	for k, x := range tree {
		e := reflect.New(v.Type().Elem()).Elem()
		if err := decodeValue(e, name, x); err != nil {
			return err
		}
		v.SetMapIndex(reflect.ValueOf(k).Convert(v.Type().Key()), e)
	}
	return nil
}

func decodeSlice(v reflect.Value, name string, list []any) error {
	v.Set(reflect.MakeSlice(v.Type(), len(list), len(list)))
	for i, x := range list {
		if err := decodeValue(v.Index(i), name, x); err != nil {
			return err
		}
	}
	return nil
}

func misfit(name string) error {
	return cognito.Serialization(fmt.Sprintf("Member %s is not of the type that the operation takes.", name))
}
