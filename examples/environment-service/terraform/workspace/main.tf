variable "size" {
  type = string
}

variable "name" {
  type = string
}

output "address" {
  value = "${var.name}.${var.size}.test.example.org"
}
