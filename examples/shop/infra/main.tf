variable "prefix" {
  type = string
}

resource "terraform_data" "name" {
  input = "${var.prefix}-shop"
}

output "name" {
  value = terraform_data.name.output
}
