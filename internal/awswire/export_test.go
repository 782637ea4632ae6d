package awswire

// AccessOf is the access of an operation in the table.
func AccessOf(operation string) Access { return operations[operation].access }
