# Real Terraform, pretended infrastructure: terraform_data is built in.
variable "prefix" {
  type = string
}

resource "terraform_data" "network" {
  input = { name = "${var.prefix}-network", range = "10.20.0.0/16" }
}

resource "terraform_data" "subnet" {
  count = 2
  input = { network = terraform_data.network.output.name, range = cidrsubnet("10.20.0.0/16", 8, count.index) }
}

resource "terraform_data" "bucket" {
  input = { name = "${var.prefix}-pictures" }
}

output "network" {
  value = terraform_data.network.output.name
}
